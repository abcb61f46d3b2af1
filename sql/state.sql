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

-- What a unit or a run has done is rated by the time that it was at it.
CREATE FUNCTION tributary.leave_out_idle_time() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NEW.status IN ('paused', 'completed', 'failed', 'cancelled') THEN
        NEW.idle_since := coalesce(OLD.idle_since, clock_timestamp());
        RETURN NEW;
    END IF;
    NEW.idle := OLD.idle + coalesce(clock_timestamp() - OLD.idle_since, '0');
    NEW.idle_since := NULL;
    IF NEW.started_at IS NULL THEN
        NEW.idle := '0';
    ELSIF TG_TABLE_NAME = 'unit' THEN
        -- its clock begins with its first chunk
        IF NOT EXISTS (SELECT FROM tributary.chunk c WHERE c.unit_id = NEW.unit_id AND c.started_at IS NOT NULL) THEN
            NEW.idle := '0';
        END IF;
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION tributary.leave_out_idle_time() IS 'keeps the time that a run or a unit stood still';
REVOKE ALL ON FUNCTION tributary.leave_out_idle_time() FROM PUBLIC;
CREATE TRIGGER run_idle BEFORE UPDATE OF status ON tributary.run
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION tributary.leave_out_idle_time();
ALTER TABLE tributary.run ENABLE ALWAYS TRIGGER run_idle;
COMMENT ON TRIGGER run_idle ON tributary.run IS 'keeps the time that the run stood still';
CREATE TRIGGER unit_idle BEFORE UPDATE OF status ON tributary.unit
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION tributary.leave_out_idle_time();
ALTER TABLE tributary.unit ENABLE ALWAYS TRIGGER unit_idle;
COMMENT ON TRIGGER unit_idle ON tributary.unit IS 'keeps the time that the unit stood still';

-- A version says what a run ran: it stays as it was.
CREATE FUNCTION tributary.refuse_update() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION 'a version of a job cannot be changed'
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'SELECT sync_alter_job(…) makes a new one.';
END
$function$;
COMMENT ON FUNCTION tributary.refuse_update() IS 'refuses every update';
REVOKE ALL ON FUNCTION tributary.refuse_update() FROM PUBLIC;
CREATE TRIGGER job_version_immutable BEFORE UPDATE ON tributary.job_version
    FOR EACH STATEMENT EXECUTE FUNCTION tributary.refuse_update();
ALTER TABLE tributary.job_version ENABLE ALWAYS TRIGGER job_version_immutable;
COMMENT ON TRIGGER job_version_immutable ON tributary.job_version IS 'versions are never changed';
