-- The two state machines. Which state may follow which is said here and nowhere else: whatever writes another one, a
-- function, a worker, a superuser by hand, is refused. ARCHITECTURE.md draws them.
CREATE FUNCTION tributary.require_transition() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
    allowed jsonb := CASE TG_TABLE_NAME WHEN 'run' THEN '{
        "scheduled":    ["initializing", "paused", "failed", "cancelled"],
        "initializing": ["running", "paused", "failed", "cancelled", "scheduled"],
        "running":      ["completed", "paused", "failed", "cancelled"],
        "paused":       ["scheduled", "running", "cancelled"],
        "completed":    ["running"],
        "failed":       ["scheduled", "running"],
        "cancelled":    ["scheduled", "running"]
    }'::jsonb ELSE '{
        "pending":      ["running", "failed", "paused", "cancelled"],
        "running":      ["completed", "catching_up", "pending", "failed", "paused", "cancelled"],
        "catching_up":  ["streaming", "running", "pending", "failed", "paused", "cancelled"],
        "streaming":    ["running", "catching_up", "pending", "failed", "paused", "cancelled"],
        "completed":    ["pending", "running", "cancelled"],
        "failed":       ["pending", "running", "catching_up", "paused", "cancelled"],
        "paused":       ["pending", "running", "catching_up", "failed", "cancelled"],
        "cancelled":    ["pending", "running", "catching_up", "paused"]
    }'::jsonb END;
BEGIN
    IF NOT (allowed -> OLD.status ? NEW.status) THEN
        RAISE EXCEPTION '% cannot become % from %', TG_TABLE_NAME, NEW.status, OLD.status
            USING ERRCODE = 'internal_error';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tributary.require_transition() IS 'refuses states that do not follow from the one before';
REVOKE ALL ON FUNCTION tributary.require_transition() FROM PUBLIC;

-- ALWAYS: what follows a log writes as a replica does.
CREATE TRIGGER run_transition AFTER UPDATE OF status ON tributary.run
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION tributary.require_transition();
ALTER TABLE tributary.run ENABLE ALWAYS TRIGGER run_transition;
COMMENT ON TRIGGER run_transition ON tributary.run IS 'refuses states that do not follow from the one before';
CREATE TRIGGER unit_transition AFTER UPDATE OF status ON tributary.unit
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION tributary.require_transition();
ALTER TABLE tributary.unit ENABLE ALWAYS TRIGGER unit_transition;
COMMENT ON TRIGGER unit_transition ON tributary.unit IS 'refuses states that do not follow from the one before';
