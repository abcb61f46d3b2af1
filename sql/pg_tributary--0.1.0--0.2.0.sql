-- From 0.1.0 to 0.2.0. What is new of the catalog, then views and functions as they are now.
ALTER TABLE tributary.job
    ADD COLUMN enabled boolean NOT NULL DEFAULT true,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN tributary.job.enabled IS 'may be started';
COMMENT ON COLUMN tributary.job.version IS 'number of its present definition in job_version';

-- Each definition that a job has had. Rows are never changed. Part of a dump.
CREATE TABLE tributary.job_version (
    job_id     bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    version    integer NOT NULL,
    definition jsonb NOT NULL,
    change     text NOT NULL,
    changed_by name NOT NULL DEFAULT session_user,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, version)
);
COMMENT ON TABLE tributary.job_version IS 'definitions that jobs have had';
COMMENT ON COLUMN tributary.job_version.job_id IS 'the job';
COMMENT ON COLUMN tributary.job_version.version IS 'number of the definition, from 1';
COMMENT ON COLUMN tributary.job_version.definition IS 'source, units, target_schema, mode, options, unit_options and depends_on';
COMMENT ON COLUMN tributary.job_version.change IS 'the call that made it';
COMMENT ON COLUMN tributary.job_version.changed_by IS 'role that made it';
COMMENT ON COLUMN tributary.job_version.changed_at IS 'time of the change';
SELECT pg_catalog.pg_extension_config_dump('tributary.job_version', '');

-- A job starts when those it depends on have completed. Part of a dump.
CREATE TABLE tributary.dependency (
    job_id     bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    on_job_id  bigint NOT NULL REFERENCES tributary.job (job_id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, on_job_id),
    CHECK (job_id <> on_job_id)
);
CREATE INDEX dependency_on ON tributary.dependency (on_job_id);
COMMENT ON TABLE tributary.dependency IS 'which jobs a job waits for';
COMMENT ON COLUMN tributary.dependency.job_id IS 'the job that is started';
COMMENT ON COLUMN tributary.dependency.on_job_id IS 'the job that has to complete first';
COMMENT ON COLUMN tributary.dependency.created_at IS 'runs that completed before do not count';
SELECT pg_catalog.pg_extension_config_dump('tributary.dependency', '');

-- The entry of pg_cron that starts a job. Not part of a dump: a restored clone starts nothing by itself.
CREATE TABLE tributary.schedule (
    job_id      bigint PRIMARY KEY REFERENCES tributary.job ON DELETE CASCADE,
    schedule    text NOT NULL,
    cron_job_id bigint NOT NULL,
    created_by  name NOT NULL DEFAULT session_user,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE tributary.schedule IS 'schedules of jobs';
COMMENT ON COLUMN tributary.schedule.job_id IS 'the job';
COMMENT ON COLUMN tributary.schedule.schedule IS 'when it starts, as pg_cron writes it';
COMMENT ON COLUMN tributary.schedule.cron_job_id IS 'number of the entry in cron.job';
COMMENT ON COLUMN tributary.schedule.created_by IS 'role that made the schedule';
COMMENT ON COLUMN tributary.schedule.created_at IS 'time it was made';

ALTER TABLE tributary.run
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN trigger text NOT NULL DEFAULT 'manual' CHECK (trigger IN ('manual', 'cron', 'dependency', 'event')),
    ADD COLUMN started_by name NOT NULL DEFAULT session_user,
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    ADD COLUMN next_trigger text CHECK (next_trigger IN ('manual', 'cron', 'dependency', 'event')),
    ADD COLUMN workers_granted integer,
    ADD COLUMN stream_granted boolean,
    ADD COLUMN paced_until timestamptz,
    ADD COLUMN idle interval NOT NULL DEFAULT '0',
    ADD COLUMN idle_since timestamptz,
    ADD COLUMN rows_done bigint,
    ADD COLUMN rows_rejected bigint,
    ADD COLUMN bytes_done bigint;
COMMENT ON COLUMN tributary.run.version IS 'version of the job''s definition that the run began with, or was taken up again with';
COMMENT ON COLUMN tributary.run.trigger IS 'what started it: manual, cron, dependency or event';
COMMENT ON COLUMN tributary.run.started_by IS 'role that started it';
COMMENT ON COLUMN tributary.run.attempt IS 'how often it was taken up: 1, and one more for each sync_retry of the ended run';
COMMENT ON COLUMN tributary.run.next_trigger IS 'another run is to follow this one, started by this';
COMMENT ON COLUMN tributary.run.workers_granted IS 'workers the run may have at present; more leave after their batch';
COMMENT ON COLUMN tributary.run.stream_granted IS 'it is the run''s turn to follow its log';
COMMENT ON COLUMN tributary.run.paced_until IS 'the clock of its pace: what is written by then is all it may write by then';
COMMENT ON COLUMN tributary.run.idle IS 'time that it stood still before it went on: paused, or ended';
COMMENT ON COLUMN tributary.run.idle_since IS 'since when it stands still';
COMMENT ON COLUMN tributary.run.rows_done IS 'rows written, when the run ended';
COMMENT ON COLUMN tributary.run.rows_rejected IS 'rows kept as rejects, when the run ended';
COMMENT ON COLUMN tributary.run.bytes_done IS 'bytes written, when the run ended';

ALTER TABLE tributary.chunk
    ADD COLUMN waiting_for text,
    ADD COLUMN source_wait double precision NOT NULL DEFAULT 0,
    ADD COLUMN target_wait double precision NOT NULL DEFAULT 0,
    ADD COLUMN buffer_fill real;
COMMENT ON COLUMN tributary.chunk.waiting_for IS 'why its worker is slowed at present';
COMMENT ON COLUMN tributary.chunk.source_wait IS 'seconds that PostgreSQL has waited for the source';
COMMENT ON COLUMN tributary.chunk.target_wait IS 'seconds that the source has waited for PostgreSQL';
COMMENT ON COLUMN tributary.chunk.buffer_fill IS 'part of the buffer between both that was filled at the last batch, 0 to 1';

ALTER TABLE tributary.stream
    ADD COLUMN source_wait double precision NOT NULL DEFAULT 0,
    ADD COLUMN target_wait double precision NOT NULL DEFAULT 0,
    ADD COLUMN buffer_fill real;
COMMENT ON COLUMN tributary.stream.source_wait IS 'seconds that PostgreSQL has waited for the source';
COMMENT ON COLUMN tributary.stream.target_wait IS 'seconds that the source has waited for PostgreSQL';
COMMENT ON COLUMN tributary.stream.buffer_fill IS 'part of the buffer between both that was filled of late, 0 to 1';

ALTER TABLE tributary.unit
    ADD COLUMN waiting_for text,
    ADD COLUMN idle interval NOT NULL DEFAULT '0',
    ADD COLUMN idle_since timestamptz;
UPDATE tributary.run SET idle_since = finished_at WHERE status IN ('completed', 'failed', 'cancelled');
UPDATE tributary.unit SET idle_since = coalesce(finished_at, updated_at) WHERE status IN ('paused', 'completed', 'failed', 'cancelled');
COMMENT ON COLUMN tributary.run.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.unit.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.stream.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.reject.hint IS 'how to fix it';
COMMENT ON COLUMN tributary.unit.waiting_for IS 'why it is slowed while it catches up with the log';
COMMENT ON COLUMN tributary.unit.idle IS 'time that it stood still before it went on: paused, failed or ended';
COMMENT ON COLUMN tributary.unit.idle_since IS 'since when it stands still';
COMMENT ON COLUMN tributary.unit.copies IS 'copy number, raised whenever the unit is prepared or reset: workers that hold an older number must not commit';

-- All cursors of a job at one moment. One with a name is a savepoint and stays until it is dropped; the others are pruned
-- by the supervisor. Not part of a dump: the rows they stand for are not either.
CREATE TABLE tributary.checkpoint (
    checkpoint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    run_id        bigint NOT NULL,
    savepoint     text CHECK (savepoint <> ''),
    position      jsonb,
    rows_done     bigint NOT NULL,
    created_by    name NOT NULL DEFAULT session_user,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job_id, savepoint)
);
CREATE INDEX checkpoint_job ON tributary.checkpoint (job_id, checkpoint_id);
COMMENT ON TABLE tributary.checkpoint IS 'cursors of jobs at a moment';
COMMENT ON COLUMN tributary.checkpoint.checkpoint_id IS 'identity of the checkpoint';
COMMENT ON COLUMN tributary.checkpoint.job_id IS 'the job';
COMMENT ON COLUMN tributary.checkpoint.run_id IS 'the run it was taken of';
COMMENT ON COLUMN tributary.checkpoint.savepoint IS 'its name; null for one that was taken by itself';
COMMENT ON COLUMN tributary.checkpoint.position IS 'position of the stream; null where the job follows no log';
COMMENT ON COLUMN tributary.checkpoint.rows_done IS 'rows and row changes written by then';
COMMENT ON COLUMN tributary.checkpoint.created_by IS 'role that took it';
COMMENT ON COLUMN tributary.checkpoint.at IS 'when';

-- The cursor of one unit in a checkpoint.
CREATE TABLE tributary.checkpoint_unit (
    checkpoint_id bigint NOT NULL REFERENCES tributary.checkpoint ON DELETE CASCADE,
    unit          text NOT NULL,
    status        text NOT NULL,
    rows_done     bigint NOT NULL,
    cursor        jsonb,
    plan_hash     text,
    PRIMARY KEY (checkpoint_id, unit)
);
COMMENT ON TABLE tributary.checkpoint_unit IS 'cursors of units in checkpoints';
COMMENT ON COLUMN tributary.checkpoint_unit.checkpoint_id IS 'the checkpoint';
COMMENT ON COLUMN tributary.checkpoint_unit.unit IS 'source table';
COMMENT ON COLUMN tributary.checkpoint_unit.status IS 'status of the unit by then';
COMMENT ON COLUMN tributary.checkpoint_unit.rows_done IS 'rows copied by then';
COMMENT ON COLUMN tributary.checkpoint_unit.cursor IS 'a key while it is copied, a position of the log after that';
COMMENT ON COLUMN tributary.checkpoint_unit.plan_hash IS 'fingerprint of the table''s plan: another one means another shape';

-- What each unit has come to, by the minute: the past that reports draw. Written and pruned by the supervisor.
CREATE TABLE tributary.sample (
    job_id        bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    unit          text NOT NULL,
    at            timestamptz NOT NULL,
    rows_done     bigint NOT NULL,
    bytes_done    bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    lag_seconds   double precision,
    PRIMARY KEY (job_id, unit, at)
);
COMMENT ON TABLE tributary.sample IS 'counters of units by the minute';
COMMENT ON COLUMN tributary.sample.job_id IS 'the job';
COMMENT ON COLUMN tributary.sample.unit IS 'source table; empty for the stream of the job, whose rows are changes applied';
COMMENT ON COLUMN tributary.sample.at IS 'the minute';
COMMENT ON COLUMN tributary.sample.rows_done IS 'rows written since the run began with the unit';
COMMENT ON COLUMN tributary.sample.bytes_done IS 'bytes written since then';
COMMENT ON COLUMN tributary.sample.rows_rejected IS 'rows kept as rejects';
COMMENT ON COLUMN tributary.sample.lag_seconds IS 'how far the stream is behind the source; null for units';

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

-- The definitions as they are become the first versions.
INSERT INTO tributary.job_version (job_id, version, definition, change)
SELECT j.job_id, 1, pg_catalog.jsonb_build_object(
           'source', j.source, 'units', j.units, 'target_schema', j.target_schema, 'mode', j.mode, 'options', j.options,
           'unit_options', (SELECT coalesce(pg_catalog.jsonb_object_agg(s.unit, s.options), '{}') FROM tributary.unit_setting s
                            WHERE s.job_id = j.job_id AND s.options <> '{}'),
           'depends_on', '[]'::jsonb), 'ALTER EXTENSION UPDATE'
FROM tributary.job j;

DROP VIEW @extschema@.sync_jobs,
    @extschema@.sync_units,
    @extschema@.sync_chunks,
    @extschema@.sync_rejects,
    @extschema@.sync_adjustments,
    @extschema@.sync_steps,
    @extschema@.sync_streams,
    @extschema@.sync_runs,
    @extschema@.sync_events;

DROP FUNCTION @extschema@.sync_start(TEXT);

CREATE OR REPLACE FUNCTION sync_alter_job(
	"job" TEXT,
	"options" jsonb
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_alter_job_wrapper';

CREATE OR REPLACE FUNCTION sync_alter_unit(
	"job" TEXT,
	"unit" TEXT,
	"options" jsonb
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_alter_unit_wrapper';

CREATE OR REPLACE FUNCTION sync_create_job(
	"job" TEXT,
	"source" TEXT,
	"units" TEXT[] DEFAULT '{*}',
	"target_schema" TEXT DEFAULT NULL,
	"mode" TEXT DEFAULT 'full',
	"options" jsonb DEFAULT '{}'
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_create_job_wrapper';

CREATE  FUNCTION sync_depends(
	"job" TEXT,
	"depends_on" TEXT[]
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_depends_wrapper';

CREATE  FUNCTION sync_diff_job(
	"job" TEXT,
	"version_before" bigint,
	"version_after" bigint DEFAULT NULL
) RETURNS TABLE (
	"path" TEXT, 
	"before" jsonb, 
	"after" jsonb 
)
STABLE
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_diff_job_wrapper';

CREATE  FUNCTION sync_disable_job(
	"job" TEXT
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_disable_job_wrapper';

CREATE OR REPLACE FUNCTION sync_drop_job(
	"job" TEXT
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_drop_job_wrapper';

CREATE  FUNCTION sync_drop_savepoint(
	"job" TEXT,
	"savepoint" TEXT
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_drop_savepoint_wrapper';

CREATE  FUNCTION sync_enable_job(
	"job" TEXT
) RETURNS VOID
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_enable_job_wrapper';

CREATE  FUNCTION sync_export_job(
	"job" TEXT
) RETURNS jsonb
STABLE
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_export_job_wrapper';

CREATE  FUNCTION sync_import_job(
	"definition" jsonb
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_import_job_wrapper';

CREATE  FUNCTION sync_job_schema() RETURNS jsonb
IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_job_schema_wrapper';

CREATE  FUNCTION @extschema@.sync_next_run(
	"schedule" TEXT,
	"after" timestamp with time zone DEFAULT now()
) RETURNS timestamp with time zone
IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_next_run_wrapper';

CREATE  FUNCTION sync_report(
	"job" TEXT DEFAULT NULL
) RETURNS TEXT
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_report_wrapper';

CREATE  FUNCTION sync_reset(
	"job" TEXT,
	"unit" TEXT DEFAULT NULL
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_reset_wrapper';

CREATE  FUNCTION sync_rewind(
	"job" TEXT,
	"savepoint" TEXT DEFAULT NULL,
	"checkpoint" bigint DEFAULT NULL,
	"unit" TEXT DEFAULT NULL,
	"cursor" jsonb DEFAULT NULL
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_rewind_wrapper';

CREATE  FUNCTION sync_rollback_job(
	"job" TEXT,
	"version" bigint
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_rollback_job_wrapper';

CREATE  FUNCTION sync_savepoint(
	"job" TEXT,
	"savepoint" TEXT
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_savepoint_wrapper';

CREATE  FUNCTION @extschema@.sync_schedule(
	"job" TEXT,
	"schedule" TEXT
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_schedule_wrapper';

CREATE  FUNCTION sync_start(
	"job" TEXT,
	"trigger" TEXT DEFAULT NULL
) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_start_wrapper';

CREATE  FUNCTION @extschema@.sync_unschedule(
	"job" TEXT
) RETURNS bool
LANGUAGE c
AS 'MODULE_PATHNAME', 'sync_unschedule_wrapper';

-- What users look at. Each role sees the jobs whose owner's rights it has.

-- Nothing that stands in another schema is bound into the views.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE VIEW @extschema@.sync_jobs WITH (security_barrier) AS
SELECT j.job,
       CASE WHEN NOT j.enabled AND (r.status IS NULL OR r.finished_at IS NOT NULL) THEN 'disabled' ELSE coalesce(r.status, 'idle') END AS status,
       j.source,
       j.target_schema,
       j.mode,
       j.units,
       u.units_total,
       u.units_completed,
       u.units_streaming,
       u.units_failed,
       r.waiting_for,
       r.error,
       r.hint,
       pg_catalog.pg_get_userbyid(j.owner) AS owner,
       j.options,
       r.run_id,
       r.started_at,
       r.finished_at,
       j.created_at,
       j.altered_at,
       j.version,
       j.enabled,
       d.depends_on
FROM tributary.job j
LEFT JOIN LATERAL (
    SELECT r.run_id, r.status, r.waiting_for, r.error, r.hint, r.started_at, r.finished_at
    FROM tributary.run r WHERE r.job_id = j.job_id ORDER BY r.run_id DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS units_total,
           count(*) FILTER (WHERE u.status = 'completed') AS units_completed,
           count(*) FILTER (WHERE u.status = 'streaming' AND u.position IS NULL) AS units_streaming,
           count(*) FILTER (WHERE u.status = 'failed') AS units_failed
    FROM tributary.unit u WHERE u.run_id = r.run_id) u ON true
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(o.job ORDER BY o.job), '{}') AS depends_on
    FROM tributary.dependency d JOIN tributary.job o ON o.job_id = d.on_job_id WHERE d.job_id = j.job_id) d
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job;
COMMENT ON VIEW @extschema@.sync_jobs IS 'jobs and the state of their latest run';
COMMENT ON COLUMN @extschema@.sync_jobs.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_jobs.status IS 'status of the latest run; idle where there is none; disabled where the job may not be started';
COMMENT ON COLUMN @extschema@.sync_jobs.source IS 'foreign server that the job reads';
COMMENT ON COLUMN @extschema@.sync_jobs.target_schema IS 'schema that the tables arrive in';
COMMENT ON COLUMN @extschema@.sync_jobs.mode IS 'full: a copy of the tables, made anew by each run; stream: a copy that follows the source''s log';
COMMENT ON COLUMN @extschema@.sync_jobs.units IS 'names and globs of source tables; !name excludes';
COMMENT ON COLUMN @extschema@.sync_jobs.units_total IS 'units of the latest run';
COMMENT ON COLUMN @extschema@.sync_jobs.units_completed IS 'units that are complete';
COMMENT ON COLUMN @extschema@.sync_jobs.units_streaming IS 'units that follow the source''s log';
COMMENT ON COLUMN @extschema@.sync_jobs.units_failed IS 'units in error, waiting for a retry or a person';
COMMENT ON COLUMN @extschema@.sync_jobs.waiting_for IS 'what the run waits for before it can go on';
COMMENT ON COLUMN @extschema@.sync_jobs.error IS 'error of the run as a whole; those of units are in sync_units';
COMMENT ON COLUMN @extschema@.sync_jobs.hint IS 'how to fix the error';
COMMENT ON COLUMN @extschema@.sync_jobs.owner IS 'role whose rights the workers have';
COMMENT ON COLUMN @extschema@.sync_jobs.options IS 'options that differ from the defaults';
COMMENT ON COLUMN @extschema@.sync_jobs.run_id IS 'latest run';
COMMENT ON COLUMN @extschema@.sync_jobs.started_at IS 'time the latest run began';
COMMENT ON COLUMN @extschema@.sync_jobs.finished_at IS 'time the latest run ended';
COMMENT ON COLUMN @extschema@.sync_jobs.created_at IS 'time of creation';
COMMENT ON COLUMN @extschema@.sync_jobs.altered_at IS 'time of the last change';
COMMENT ON COLUMN @extschema@.sync_jobs.version IS 'number of the present definition in sync_job_versions';
COMMENT ON COLUMN @extschema@.sync_jobs.enabled IS 'may be started';
COMMENT ON COLUMN @extschema@.sync_jobs.depends_on IS 'jobs whose completion starts this one';

CREATE VIEW @extschema@.sync_job_versions WITH (security_barrier) AS
SELECT j.job, v.version, v.version = j.version AS present, v.change, v.changed_by, v.changed_at, v.definition
FROM tributary.job_version v
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job, v.version;
COMMENT ON VIEW @extschema@.sync_job_versions IS 'definitions that jobs have had';
COMMENT ON COLUMN @extschema@.sync_job_versions.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_job_versions.version IS 'number of the definition, from 1';
COMMENT ON COLUMN @extschema@.sync_job_versions.present IS 'it is the one in force';
COMMENT ON COLUMN @extschema@.sync_job_versions.change IS 'the call that made it';
COMMENT ON COLUMN @extschema@.sync_job_versions.changed_by IS 'role that made it';
COMMENT ON COLUMN @extschema@.sync_job_versions.changed_at IS 'time of the change';
COMMENT ON COLUMN @extschema@.sync_job_versions.definition IS 'source, units, target_schema, mode, options, unit_options and depends_on';

CREATE VIEW @extschema@.sync_units WITH (security_barrier) AS
SELECT j.job,
       u.unit,
       pg_catalog.quote_ident(u.target_schema) || '.' || pg_catalog.quote_ident(u.target_table) AS target,
       j.mode,
       -- one that has joined, and is ahead of the stream, is not in step with it yet
       CASE WHEN u.status = 'streaming' AND u.position IS NOT NULL THEN 'catching_up' ELSE u.status END AS status,
       u.phase,
       u.priority,
       u.rows_estimated,
       c.rows_done,
       CASE WHEN u.status IN ('completed', 'streaming') THEN 100.0
            WHEN u.rows_estimated > 0 THEN least(99.9, round(100.0 * c.rows_done / u.rows_estimated, 1))
       END AS percent,
       round(c.rows_done / nullif(t.seconds, 0))::bigint AS rows_per_second,
       CASE WHEN u.status = 'running' AND c.rows_done > 0 AND u.rows_estimated >= c.rows_done
            THEN make_interval(secs => least(round(t.seconds * (u.rows_estimated - c.rows_done) / c.rows_done), 1e9)::double precision)
       END AS eta,
       c.rows_rejected,
       c.rows_filtered,
       c.bytes_done,
       coalesce(c.waiting_for, CASE WHEN u.status IN ('pending', 'running') THEN r.waiting_for
                                    WHEN u.status = 'catching_up' OR u.status = 'streaming' AND u.position IS NOT NULL THEN coalesce(u.waiting_for, r.waiting_for)
                                    WHEN u.status = 'streaming' THEN s.waiting_for END) AS waiting_for,
       coalesce(u.position, CASE WHEN u.phase = 'stream' THEN s.position END, c.cursor, u.frontier) AS cursor,
       u.attempts,
       u.error,
       u.hint,
       u.next_retry_at,
       u.started_at,
       u.finished_at,
       greatest(u.updated_at, c.updated_at) AS updated_at,
       make_interval(secs => c.source_wait) AS source_wait,
       make_interval(secs => c.target_wait) AS target_wait,
       c.buffer_percent,
       make_interval(secs => t.seconds::double precision) AS duration
FROM tributary.unit u
JOIN tributary.job j USING (job_id)
JOIN tributary.run r ON r.run_id = u.run_id
LEFT JOIN tributary.stream s ON s.job_id = u.job_id
LEFT JOIN LATERAL (
    SELECT coalesce(sum(c.rows_done + coalesce(p.tuples_processed, 0)), 0)::bigint AS rows_done,
           coalesce(sum(c.rows_rejected), 0)::bigint AS rows_rejected,
           coalesce(sum(c.rows_filtered), 0)::bigint AS rows_filtered,
           coalesce(sum(c.bytes_done + coalesce(p.bytes_processed, 0)), 0)::bigint AS bytes_done,
           (array_agg(c.cursor ORDER BY c.number DESC) FILTER (WHERE c.cursor IS NOT NULL))[1] AS cursor,
           max(c.updated_at) AS updated_at,
           min(c.started_at) AS started_at,
           max(c.waiting_for) FILTER (WHERE c.status = 'running' AND EXISTS (
               SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = c.worker_pid)) AS waiting_for,
           coalesce(sum(c.source_wait), 0) AS source_wait,
           coalesce(sum(c.target_wait), 0) AS target_wait,
           round(100 * avg(c.buffer_fill) FILTER (WHERE c.status = 'running'))::int AS buffer_percent
    FROM tributary.chunk c
    LEFT JOIN pg_catalog.pg_stat_progress_copy p ON p.pid = c.worker_pid AND c.status = 'running'
    WHERE c.unit_id = u.unit_id) c ON true
CROSS JOIN LATERAL (
    -- from the first chunk on, while it is at work: all else is no rate
    SELECT greatest(0, extract(epoch FROM coalesce(u.idle_since, u.finished_at, clock_timestamp()) - coalesce(c.started_at, u.started_at) - u.idle)) AS seconds) t
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job, u.unit;
COMMENT ON VIEW @extschema@.sync_units IS 'units of all jobs: progress, cursor, errors';
COMMENT ON COLUMN @extschema@.sync_units.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_units.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_units.target IS 'target table';
COMMENT ON COLUMN @extschema@.sync_units.mode IS 'full: a copy of the table, made anew by each run; stream: a copy that follows the source''s log';
COMMENT ON COLUMN @extschema@.sync_units.status IS 'pending, running, catching_up, streaming, completed, failed, paused or cancelled';
COMMENT ON COLUMN @extschema@.sync_units.phase IS 'what a unit is at: rows, indexes, foreign_keys, catch_up, stream; null before and after';
COMMENT ON COLUMN @extschema@.sync_units.priority IS 'high before medium before low';
COMMENT ON COLUMN @extschema@.sync_units.rows_estimated IS 'rows at the source by its own estimate';
COMMENT ON COLUMN @extschema@.sync_units.rows_done IS 'rows copied in this run, those of the batches under way included';
COMMENT ON COLUMN @extschema@.sync_units.percent IS 'rows done of rows estimated; 100 only when completed';
COMMENT ON COLUMN @extschema@.sync_units.rows_per_second IS 'average over the time that the unit was at work';
COMMENT ON COLUMN @extschema@.sync_units.eta IS 'time to go at the average rate';
COMMENT ON COLUMN @extschema@.sync_units.rows_rejected IS 'rows kept in sync_rejects';
COMMENT ON COLUMN @extschema@.sync_units.rows_filtered IS 'rows that a trigger of the target kept out';
COMMENT ON COLUMN @extschema@.sync_units.bytes_done IS 'bytes copied, as COPY carries them';
COMMENT ON COLUMN @extschema@.sync_units.waiting_for IS 'why the unit is slowed or stands still at present';
COMMENT ON COLUMN @extschema@.sync_units.cursor IS 'what the unit has come to: a key while it is copied, a position of the log after that';
COMMENT ON COLUMN @extschema@.sync_units.attempts IS 'attempts that failed in a row';
COMMENT ON COLUMN @extschema@.sync_units.error IS 'last error';
COMMENT ON COLUMN @extschema@.sync_units.hint IS 'how to fix the error';
COMMENT ON COLUMN @extschema@.sync_units.next_retry_at IS 'time of the next attempt; null where a person has to act';
COMMENT ON COLUMN @extschema@.sync_units.started_at IS 'time the run began with the unit';
COMMENT ON COLUMN @extschema@.sync_units.finished_at IS 'time the unit ended';
COMMENT ON COLUMN @extschema@.sync_units.updated_at IS 'time of the last batch or change of state';
COMMENT ON COLUMN @extschema@.sync_units.source_wait IS 'time that PostgreSQL has waited for the source, over all workers';
COMMENT ON COLUMN @extschema@.sync_units.target_wait IS 'time that the source has waited for PostgreSQL, over all workers';
COMMENT ON COLUMN @extschema@.sync_units.buffer_percent IS 'how full the buffers between both are: high where PostgreSQL is the slower one';
COMMENT ON COLUMN @extschema@.sync_units.duration IS 'time that the unit was at work, from its first chunk on';

CREATE VIEW @extschema@.sync_plans WITH (security_barrier) AS
SELECT j.job, u.unit, u.method, u.plan
FROM tributary.unit u
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE') AND u.plan IS NOT NULL
ORDER BY j.job, u.unit;
COMMENT ON VIEW @extschema@.sync_plans IS 'how the tables of the latest runs are copied; sync_plan says how they would be';
COMMENT ON COLUMN @extschema@.sync_plans.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_plans.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_plans.method IS 'direct, merge, replace or swap';
COMMENT ON COLUMN @extschema@.sync_plans.plan IS 'columns with their types, key and names, as the extension keeps them; may change with its version';

CREATE VIEW @extschema@.sync_chunks WITH (security_barrier) AS
SELECT j.job, u.unit, c.number, c.status, c.rows_done, c.bytes_done,
       c.lower_key, c.upper_key, c.cursor, c.worker_pid, c.started_at, c.finished_at, c.updated_at
FROM tributary.chunk c
JOIN tributary.unit u USING (unit_id)
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE') AND c.number > 0
ORDER BY j.job, u.unit, c.number;
COMMENT ON VIEW @extschema@.sync_chunks IS 'key ranges of units and their cursors';
COMMENT ON COLUMN @extschema@.sync_chunks.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_chunks.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_chunks.number IS 'position in the key''s order at the source';
COMMENT ON COLUMN @extschema@.sync_chunks.status IS 'pending, running or completed';
COMMENT ON COLUMN @extschema@.sync_chunks.rows_done IS 'rows committed';
COMMENT ON COLUMN @extschema@.sync_chunks.bytes_done IS 'bytes committed, as COPY carried them';
COMMENT ON COLUMN @extschema@.sync_chunks.lower_key IS 'the chunk begins after this key; null is open';
COMMENT ON COLUMN @extschema@.sync_chunks.upper_key IS 'the chunk ends with this key; null is open';
COMMENT ON COLUMN @extschema@.sync_chunks.cursor IS 'last key that is committed';
COMMENT ON COLUMN @extschema@.sync_chunks.worker_pid IS 'process that last claimed the chunk';
COMMENT ON COLUMN @extschema@.sync_chunks.started_at IS 'time of the first claim';
COMMENT ON COLUMN @extschema@.sync_chunks.finished_at IS 'time of completion';
COMMENT ON COLUMN @extschema@.sync_chunks.updated_at IS 'time of the last batch';

CREATE VIEW @extschema@.sync_rejects WITH (security_barrier) AS
SELECT j.job, u.unit, r.key, r.sqlstate, r.message, r.column_name, r.row, r.hint, r.at
FROM tributary.reject r
JOIN tributary.chunk c USING (chunk_id)
JOIN tributary.unit u USING (unit_id)
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job, u.unit, r.reject_id;
COMMENT ON VIEW @extschema@.sync_rejects IS 'source rows that could not be written, with the reason';
COMMENT ON COLUMN @extschema@.sync_rejects.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_rejects.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_rejects.key IS 'the row''s key at the source; null for a unit without a key';
COMMENT ON COLUMN @extschema@.sync_rejects.sqlstate IS 'SQLSTATE of the refusal';
COMMENT ON COLUMN @extschema@.sync_rejects.message IS 'why the row was refused';
COMMENT ON COLUMN @extschema@.sync_rejects.column_name IS 'source column whose value was refused; null where PostgreSQL refused the row';
COMMENT ON COLUMN @extschema@.sync_rejects.row IS 'values of the row as the source writes them';
COMMENT ON COLUMN @extschema@.sync_rejects.hint IS 'how to fix it';
COMMENT ON COLUMN @extschema@.sync_rejects.at IS 'time of the refusal';

CREATE VIEW @extschema@.sync_adjustments WITH (security_barrier) AS
SELECT j.job, u.unit, a.column_name, p.policy, sum(p.altered::bigint)::bigint AS altered
FROM tributary.chunk c
JOIN tributary.unit u USING (unit_id)
JOIN tributary.job j USING (job_id)
CROSS JOIN LATERAL pg_catalog.jsonb_each(c.adjustments) AS a (column_name, policies)
CROSS JOIN LATERAL pg_catalog.jsonb_each_text(a.policies) AS p (policy, altered)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
GROUP BY j.job, u.unit, a.column_name, p.policy
ORDER BY j.job, u.unit, a.column_name, p.policy;
COMMENT ON VIEW @extschema@.sync_adjustments IS 'how many values each policy altered in the latest load';
COMMENT ON COLUMN @extschema@.sync_adjustments.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_adjustments.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_adjustments.column_name IS 'source column';
COMMENT ON COLUMN @extschema@.sync_adjustments.policy IS 'the option that says so: zero_date, nul_byte or invalid_text';
COMMENT ON COLUMN @extschema@.sync_adjustments.altered IS 'values that did not arrive as they were';

CREATE VIEW @extschema@.sync_steps WITH (security_barrier) AS
SELECT j.job, u.unit, s.kind, s.name, s.referenced_unit,
       CASE WHEN s.status = 'pending' AND s.worker_pid IS NOT NULL AND EXISTS (
                SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = s.worker_pid AND u.status = 'running')
            THEN 'running' ELSE s.status END AS status,
       s.started_at, s.finished_at
FROM tributary.step s
JOIN tributary.unit u USING (unit_id)
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job, u.unit, s.kind DESC, s.number;
COMMENT ON VIEW @extschema@.sync_steps IS 'indexes and foreign keys that are made after a unit''s rows';
COMMENT ON COLUMN @extschema@.sync_steps.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_steps.unit IS 'source table';
COMMENT ON COLUMN @extschema@.sync_steps.kind IS 'index or foreign_key';
COMMENT ON COLUMN @extschema@.sync_steps.name IS 'name of the index or constraint';
COMMENT ON COLUMN @extschema@.sync_steps.referenced_unit IS 'source table that a foreign key refers to; it is made when that one is complete';
COMMENT ON COLUMN @extschema@.sync_steps.status IS 'pending, running or completed; an error is in sync_units';
COMMENT ON COLUMN @extschema@.sync_steps.started_at IS 'time it was last begun';
COMMENT ON COLUMN @extschema@.sync_steps.finished_at IS 'time of completion';

CREATE VIEW @extschema@.sync_streams WITH (security_barrier) AS
SELECT j.job,
       CASE WHEN r.status <> 'running' THEN r.status
            WHEN s.next_retry_at IS NOT NULL THEN 'waiting'
            WHEN u.streaming > 0 AND a.pid IS NULL THEN 'starting'
            WHEN u.streaming > 0 THEN 'streaming'
            WHEN u.catching_up > 0 THEN 'catching_up'
            ELSE 'copying' END AS status,
       u.streaming AS units,
       CASE WHEN s.position IS NULL THEN NULL
            WHEN (s.position -> 'server', s.position -> 'file', s.position -> 'offset')
               = (s.source_position -> 'server', s.source_position -> 'file', s.source_position -> 'offset')
             AND s.heartbeat_at > clock_timestamp() - interval '10 s' THEN 0
            ELSE greatest(0, extract(epoch FROM clock_timestamp() - greatest(coalesce(s.last_event_at, s.applied_at), s.in_step_at)))
       END::numeric(12,1) AS lag_seconds,
       CASE WHEN (s.position -> 'server', s.position -> 'file') = (s.source_position -> 'server', s.source_position -> 'file')
            THEN greatest(0, (s.source_position ->> 'offset')::bigint - (s.position ->> 'offset')::bigint)
       END AS lag_bytes,
       s.position ->> 'gtid' AS gtid,
       s.position ->> 'file' AS file,
       (s.position ->> 'offset')::bigint AS "offset",
       s.source_position ->> 'gtid' AS source_gtid,
       s.source_position ->> 'file' AS source_file,
       (s.source_position ->> 'offset')::bigint AS source_offset,
       s.position ->> 'server' AS server,
       round(s.transactions_per_second::numeric, 1) AS transactions_per_second,
       round(s.rows_per_second::numeric, 1) AS rows_per_second,
       s.transactions,
       s.rows,
       s.last_event_at,
       s.heartbeat_at,
       s.applied_at,
       coalesce(s.waiting_for, r.waiting_for, CASE WHEN a.wait_event_type = 'Lock' THEN 'a lock in the target' END) AS waiting_for,
       s.attempts,
       s.error,
       s.hint,
       s.next_retry_at,
       a.pid AS worker_pid,
       make_interval(secs => s.source_wait) AS source_wait,
       make_interval(secs => s.target_wait) AS target_wait,
       round((100 * s.buffer_fill)::numeric)::int AS buffer_percent
FROM tributary.stream s
JOIN tributary.job j USING (job_id)
JOIN tributary.run r ON r.run_id = s.run_id
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.worker_pid AND a.backend_type = 'tributary worker'
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE u.status = 'streaming' AND u.position IS NULL) AS streaming,
           count(*) FILTER (WHERE u.status = 'catching_up' OR u.status = 'streaming' AND u.position IS NOT NULL) AS catching_up
    FROM tributary.unit u WHERE u.run_id = s.run_id) u
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job;
COMMENT ON VIEW @extschema@.sync_streams IS 'logs that jobs follow: position here and at the source, lag, rates';
COMMENT ON COLUMN @extschema@.sync_streams.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_streams.status IS 'copying, catching_up, starting, streaming, waiting (for the next attempt), or the run''s where it is not running';
COMMENT ON COLUMN @extschema@.sync_streams.units IS 'units in step with the stream';
COMMENT ON COLUMN @extschema@.sync_streams.lag_seconds IS 'age of the last transaction applied, by the source''s clock, or of the last time all was; 0 where the log is applied to its end and the source was heard within ten seconds';
COMMENT ON COLUMN @extschema@.sync_streams.lag_bytes IS 'bytes of the log still to be applied, as last seen; null where they are in another file';
COMMENT ON COLUMN @extschema@.sync_streams.gtid IS 'transactions applied';
COMMENT ON COLUMN @extschema@.sync_streams.file IS 'log file of the last transaction applied';
COMMENT ON COLUMN @extschema@.sync_streams."offset" IS 'end of the last transaction applied in its file';
COMMENT ON COLUMN @extschema@.sync_streams.source_gtid IS 'transactions at the source, as last seen';
COMMENT ON COLUMN @extschema@.sync_streams.source_file IS 'log file that the source writes';
COMMENT ON COLUMN @extschema@.sync_streams.source_offset IS 'end of the source''s log in its file';
COMMENT ON COLUMN @extschema@.sync_streams.server IS 'server that the position belongs to';
COMMENT ON COLUMN @extschema@.sync_streams.transactions_per_second IS 'source transactions applied per second, of late';
COMMENT ON COLUMN @extschema@.sync_streams.rows_per_second IS 'row changes applied per second, of late';
COMMENT ON COLUMN @extschema@.sync_streams.transactions IS 'source transactions applied in this run';
COMMENT ON COLUMN @extschema@.sync_streams.rows IS 'row changes applied in this run';
COMMENT ON COLUMN @extschema@.sync_streams.last_event_at IS 'time at the source of the last transaction applied';
COMMENT ON COLUMN @extschema@.sync_streams.heartbeat_at IS 'time the source was last heard';
COMMENT ON COLUMN @extschema@.sync_streams.applied_at IS 'time of the last commit here';
COMMENT ON COLUMN @extschema@.sync_streams.waiting_for IS 'what the stream waits for';
COMMENT ON COLUMN @extschema@.sync_streams.attempts IS 'attempts that failed in a row';
COMMENT ON COLUMN @extschema@.sync_streams.error IS 'last error of the stream as a whole';
COMMENT ON COLUMN @extschema@.sync_streams.hint IS 'how to fix the error';
COMMENT ON COLUMN @extschema@.sync_streams.next_retry_at IS 'time of the next attempt';
COMMENT ON COLUMN @extschema@.sync_streams.worker_pid IS 'process that follows the log';
COMMENT ON COLUMN @extschema@.sync_streams.source_wait IS 'time that PostgreSQL has waited for the source';
COMMENT ON COLUMN @extschema@.sync_streams.target_wait IS 'time that the source has waited for PostgreSQL';
COMMENT ON COLUMN @extschema@.sync_streams.buffer_percent IS 'how full the buffer between both was of late: high where PostgreSQL is the slower one';

CREATE VIEW @extschema@.sync_runs WITH (security_barrier) AS
SELECT r.run_id, j.job, r.status, r.scheduled_at, r.started_at, r.finished_at,
       justify_hours(make_interval(secs => extract(epoch FROM coalesce(r.idle_since, r.finished_at, clock_timestamp()) - r.started_at - r.idle)::double precision)) AS duration,
       r.waiting_for, r.attempts, r.next_retry_at, r.error, r.hint,
       r.version, CASE WHEN r.attempt > 1 THEN 'retry' ELSE r.trigger END AS trigger, r.started_by, r.attempt, r.next_trigger,
       coalesce(r.rows_done, c.rows_done + CASE WHEN s.run_id = r.run_id THEN s.rows ELSE 0 END) AS rows_done,
       coalesce(r.rows_rejected, c.rows_rejected) AS rows_rejected,
       coalesce(r.bytes_done, c.bytes_done) AS bytes_done
FROM tributary.run r
JOIN tributary.job j USING (job_id)
LEFT JOIN tributary.stream s ON s.job_id = r.job_id
LEFT JOIN LATERAL (
    SELECT coalesce(sum(c.rows_done), 0)::bigint AS rows_done,
           coalesce(sum(c.rows_rejected), 0)::bigint AS rows_rejected,
           coalesce(sum(c.bytes_done), 0)::bigint AS bytes_done
    FROM tributary.unit u JOIN tributary.chunk c USING (unit_id)
    WHERE u.run_id = r.run_id) c ON r.rows_done IS NULL
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY r.run_id;
COMMENT ON VIEW @extschema@.sync_runs IS 'runs of jobs';
COMMENT ON COLUMN @extschema@.sync_runs.run_id IS 'identity of the run';
COMMENT ON COLUMN @extschema@.sync_runs.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_runs.status IS 'scheduled, initializing, running, paused, completed, failed or cancelled';
COMMENT ON COLUMN @extschema@.sync_runs.scheduled_at IS 'time of sync_start';
COMMENT ON COLUMN @extschema@.sync_runs.started_at IS 'time the first worker began';
COMMENT ON COLUMN @extschema@.sync_runs.finished_at IS 'time the run ended';
COMMENT ON COLUMN @extschema@.sync_runs.duration IS 'time from the first worker to the end, without that in which it stood still';
COMMENT ON COLUMN @extschema@.sync_runs.waiting_for IS 'what the run waits for before it can go on';
COMMENT ON COLUMN @extschema@.sync_runs.attempts IS 'attempts to list the units that failed in a row';
COMMENT ON COLUMN @extschema@.sync_runs.next_retry_at IS 'time of the next attempt to list the units';
COMMENT ON COLUMN @extschema@.sync_runs.error IS 'error of the run as a whole';
COMMENT ON COLUMN @extschema@.sync_runs.hint IS 'how to fix the error';
COMMENT ON COLUMN @extschema@.sync_runs.version IS 'version of the job''s definition that the run began with, or was taken up again with';
COMMENT ON COLUMN @extschema@.sync_runs.trigger IS 'what started it: manual, cron, dependency, event or retry';
COMMENT ON COLUMN @extschema@.sync_runs.started_by IS 'role that started it';
COMMENT ON COLUMN @extschema@.sync_runs.attempt IS 'how often it was taken up: 1, and one more for each sync_retry of the ended run';
COMMENT ON COLUMN @extschema@.sync_runs.next_trigger IS 'another run is queued behind this one, started by this';
COMMENT ON COLUMN @extschema@.sync_runs.rows_done IS 'rows copied and row changes applied';
COMMENT ON COLUMN @extschema@.sync_runs.rows_rejected IS 'rows kept as rejects';
COMMENT ON COLUMN @extschema@.sync_runs.bytes_done IS 'bytes copied';

CREATE VIEW @extschema@.sync_checkpoints WITH (security_barrier) AS
SELECT c.checkpoint_id, j.job, c.savepoint, c.at, c.run_id, c.rows_done, c.position, u.units, c.created_by
FROM tributary.checkpoint c
JOIN tributary.job j USING (job_id)
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(u.unit, jsonb_build_object('status', u.status, 'rows_done', u.rows_done, 'cursor', u.cursor)), '{}') AS units
    FROM tributary.checkpoint_unit u WHERE u.checkpoint_id = c.checkpoint_id) u
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY c.checkpoint_id;
COMMENT ON VIEW @extschema@.sync_checkpoints IS 'cursors of jobs at moments that sync_rewind can go back to';
COMMENT ON COLUMN @extschema@.sync_checkpoints.checkpoint_id IS 'identity of the checkpoint';
COMMENT ON COLUMN @extschema@.sync_checkpoints.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_checkpoints.savepoint IS 'name given by sync_savepoint; null for one taken by itself';
COMMENT ON COLUMN @extschema@.sync_checkpoints.at IS 'when it was taken';
COMMENT ON COLUMN @extschema@.sync_checkpoints.run_id IS 'the run it was taken of';
COMMENT ON COLUMN @extschema@.sync_checkpoints.rows_done IS 'rows and row changes written by then';
COMMENT ON COLUMN @extschema@.sync_checkpoints.position IS 'position of the stream; null where the job follows no log';
COMMENT ON COLUMN @extschema@.sync_checkpoints.units IS 'status, rows and cursor of each unit';
COMMENT ON COLUMN @extschema@.sync_checkpoints.created_by IS 'role that took it';

CREATE VIEW @extschema@.sync_samples WITH (security_barrier) AS
SELECT j.job, s.unit, s.at, s.rows_done, s.bytes_done, s.rows_rejected, s.lag_seconds
FROM tributary.sample s
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job, s.unit, s.at;
COMMENT ON VIEW @extschema@.sync_samples IS 'counters of units by the minute';
COMMENT ON COLUMN @extschema@.sync_samples.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_samples.unit IS 'source table; empty for the stream of the job, whose rows are changes applied';
COMMENT ON COLUMN @extschema@.sync_samples.at IS 'the minute';
COMMENT ON COLUMN @extschema@.sync_samples.rows_done IS 'rows written since the run began with the unit';
COMMENT ON COLUMN @extschema@.sync_samples.bytes_done IS 'bytes written since then';
COMMENT ON COLUMN @extschema@.sync_samples.rows_rejected IS 'rows kept as rejects';
COMMENT ON COLUMN @extschema@.sync_samples.lag_seconds IS 'how far the stream is behind the source; null for units';

CREATE VIEW @extschema@.sync_events WITH (security_barrier) AS
SELECT e.event_id, e.at, j.job, e.unit, e.status, e.message, e.sqlstate, e.run_id
FROM tributary.event e
JOIN tributary.job j USING (job_id)
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY e.event_id;
COMMENT ON VIEW @extschema@.sync_events IS 'changes of state, oldest first';
COMMENT ON COLUMN @extschema@.sync_events.event_id IS 'identity of the event';
COMMENT ON COLUMN @extschema@.sync_events.at IS 'time of the change';
COMMENT ON COLUMN @extschema@.sync_events.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_events.unit IS 'source table; null for the run as a whole';
COMMENT ON COLUMN @extschema@.sync_events.status IS 'the new state';
COMMENT ON COLUMN @extschema@.sync_events.message IS 'why';
COMMENT ON COLUMN @extschema@.sync_events.sqlstate IS 'SQLSTATE where the change is an error';
COMMENT ON COLUMN @extschema@.sync_events.run_id IS 'the run';

GRANT SELECT ON @extschema@.sync_jobs, @extschema@.sync_units, @extschema@.sync_chunks,
    @extschema@.sync_runs, @extschema@.sync_events, @extschema@.sync_rejects,
    @extschema@.sync_adjustments, @extschema@.sync_steps, @extschema@.sync_streams,
    @extschema@.sync_job_versions, @extschema@.sync_plans, @extschema@.sync_checkpoints, @extschema@.sync_samples TO PUBLIC;

SET LOCAL search_path TO @extschema@, pg_temp;

-- What monitoring systems and people at a terminal look at. Each role sees the jobs that sync_jobs shows it.

-- Nothing that stands in another schema is bound into the views.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Jobs come from sync_jobs, which knows who may see them; what belongs to them is read from the catalog in one pass, where
-- sync_units looks at the chunks of each unit by itself: an exporter asks for all units at once, and often.
CREATE VIEW @extschema@.sync_metrics WITH (security_barrier) AS
WITH job AS MATERIALIZED (
    SELECT o.job_id, j.job, j.source, j.mode, j.status, j.enabled, j.run_id,
           jsonb_build_object('job', j.job) AS labels
    FROM @extschema@.sync_jobs j
    JOIN tributary.job o ON o.job = j.job
), unit AS MATERIALIZED (
    SELECT j.job,
           CASE WHEN u.status = 'streaming' AND u.position IS NOT NULL THEN 'catching_up' ELSE u.status END AS status,
           u.phase, u.attempts, u.rows_estimated,
           coalesce(c.rows_done, 0) AS rows_done, coalesce(c.bytes_done, 0) AS bytes_done,
           coalesce(c.rows_rejected, 0) AS rows_rejected,
           coalesce(c.source_wait, 0) AS source_wait, coalesce(c.target_wait, 0) AS target_wait,
           c.buffer_fill,
           greatest(u.updated_at, c.updated_at) AS updated_at,
           jsonb_build_object('job', j.job, 'unit', u.unit) AS labels
    FROM job j
    JOIN tributary.unit u ON u.job_id = j.job_id
    LEFT JOIN (
        -- the sums of sync_units; as float8, which is exact up to 2^53 and a quarter of the work of numeric
        SELECT c.unit_id,
               sum((c.rows_done + coalesce(p.tuples_processed, 0))::float8) AS rows_done,
               sum((c.bytes_done + coalesce(p.bytes_processed, 0))::float8) AS bytes_done,
               sum(c.rows_rejected::float8) AS rows_rejected,
               sum(c.source_wait) AS source_wait,
               sum(c.target_wait) AS target_wait,
               avg(c.buffer_fill) FILTER (WHERE c.status = 'running') AS buffer_fill,
               max(c.updated_at) AS updated_at
        FROM tributary.chunk c
        LEFT JOIN pg_catalog.pg_stat_progress_copy p ON p.pid = c.worker_pid AND c.status = 'running'
        GROUP BY c.unit_id) c ON c.unit_id = u.unit_id
)
SELECT m.name, j.labels, m.value, m.type, m.help
FROM job j
LEFT JOIN tributary.run r ON r.run_id = j.run_id
LEFT JOIN LATERAL (
    SELECT s.finished_at FROM tributary.run s
    WHERE s.job_id = j.job_id AND s.status = 'completed' ORDER BY s.run_id DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (
    SELECT c.at FROM tributary.checkpoint c WHERE c.job_id = j.job_id ORDER BY c.checkpoint_id DESC LIMIT 1) c ON true
LEFT JOIN (
    -- Each worker shares a lock that bears the number of its run; pg_stat_activity does not know the run.
    SELECT (l.classid::bigint << 32) | l.objid::bigint AS run_id, count(*) AS workers
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 21506 AND l.granted
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
    GROUP BY 1) w ON w.run_id = j.run_id
CROSS JOIN LATERAL (VALUES
    ('tributary_job_enabled', 'gauge', '1 where the job may be started.', j.enabled::int::float8),
    ('tributary_job_failed', 'gauge', '1 where the latest run of the job failed.', coalesce(r.status = 'failed', false)::int::float8),
    ('tributary_job_last_run_start_timestamp_seconds', 'gauge', 'Time the latest run began.', extract(epoch FROM r.started_at)::float8),
    ('tributary_job_last_run_duration_seconds', 'gauge', 'Time the latest run took, or takes so far.', extract(epoch FROM coalesce(r.idle_since, r.finished_at, clock_timestamp()) - r.started_at - r.idle)::float8),
    ('tributary_job_last_success_timestamp_seconds', 'gauge', 'Time the last completed run ended.', extract(epoch FROM s.finished_at)::float8),
    ('tributary_checkpoint_last_timestamp_seconds', 'gauge', 'Time of the latest checkpoint or savepoint of the job.', extract(epoch FROM c.at)::float8),
    ('tributary_workers', 'gauge', 'Workers of the job.', coalesce(w.workers, 0)::float8)
) m (name, type, help, value)
WHERE m.value IS NOT NULL
UNION ALL
SELECT 'tributary_job_info', j.labels || jsonb_build_object('source', j.source, 'mode', j.mode, 'status', j.status),
       1, 'gauge', 'Jobs with their source, mode and status.'
FROM job j
UNION ALL
SELECT 'tributary_units', jsonb_build_object('job', u.job, 'status', u.status), count(*), 'gauge', 'Units by status.'
FROM unit u
GROUP BY u.job, u.status
UNION ALL
SELECT m.name, u.labels, m.value, m.type, m.help
FROM unit u
CROSS JOIN LATERAL (VALUES
    ('tributary_unit_rows_total', 'counter', 'Rows copied in this run, those of batches under way included.', u.rows_done),
    ('tributary_unit_bytes_total', 'counter', 'Bytes copied in this run, as COPY carries them.', u.bytes_done),
    ('tributary_unit_rejects', 'gauge', 'Rows kept in sync_rejects.', u.rows_rejected),
    ('tributary_unit_attempts', 'gauge', 'Attempts that failed in a row.', u.attempts::float8),
    ('tributary_unit_estimated_rows', 'gauge', 'Rows at the source by its own estimate.', u.rows_estimated::float8),
    ('tributary_unit_active', 'gauge', '1 while rows of the unit are copied or it catches up with the log.',
     (u.status = 'catching_up' OR u.status = 'running' AND u.phase IS NOT DISTINCT FROM 'rows')::int::float8),
    ('tributary_unit_last_progress_timestamp_seconds', 'gauge', 'Time of the last batch or change of state.', extract(epoch FROM u.updated_at)::float8),
    ('tributary_unit_source_wait_seconds_total', 'counter', 'Time that PostgreSQL has waited for the source.', u.source_wait),
    ('tributary_unit_target_wait_seconds_total', 'counter', 'Time that the source has waited for PostgreSQL.', u.target_wait),
    ('tributary_unit_buffer_ratio', 'gauge', 'How full the buffers between both are, 0 to 1.', u.buffer_fill)
) m (name, type, help, value)
WHERE m.value IS NOT NULL
UNION ALL
SELECT m.name, l.labels, m.value, m.type, m.help
FROM @extschema@.sync_streams s
CROSS JOIN LATERAL (SELECT jsonb_build_object('job', s.job) AS labels) l
CROSS JOIN LATERAL (VALUES
    ('tributary_stream_lag_seconds', 'gauge', 'How far the stream is behind the source.', s.lag_seconds::float8),
    ('tributary_stream_lag_bytes', 'gauge', 'Bytes of the log still to be applied.', s.lag_bytes::float8),
    ('tributary_stream_transactions_total', 'counter', 'Source transactions applied in this run.', s.transactions::float8),
    ('tributary_stream_rows_total', 'counter', 'Row changes applied in this run.', s.rows::float8),
    ('tributary_stream_attempts', 'gauge', 'Attempts that failed in a row.', s.attempts::float8),
    ('tributary_stream_last_heartbeat_timestamp_seconds', 'gauge', 'Time the source was last heard.', extract(epoch FROM s.heartbeat_at)::float8),
    ('tributary_stream_source_wait_seconds_total', 'counter', 'Time that PostgreSQL has waited for the source.', extract(epoch FROM s.source_wait)::float8),
    ('tributary_stream_target_wait_seconds_total', 'counter', 'Time that the source has waited for PostgreSQL.', extract(epoch FROM s.target_wait)::float8),
    ('tributary_stream_buffer_ratio', 'gauge', 'How full the buffer between both is, 0 to 1.', s.buffer_percent / 100.0::float8)
) m (name, type, help, value)
WHERE m.value IS NOT NULL
UNION ALL
-- Unknown in a session that has not loaded the library.
SELECT 'tributary_max_workers', '{}', current_setting('tributary.max_workers', true)::float8, 'gauge',
       'Largest number of workers of all jobs of the database together.'
WHERE current_setting('tributary.max_workers', true) <> '';
COMMENT ON VIEW @extschema@.sync_metrics IS 'what monitoring systems read: one row per sample, named as Prometheus names them';
COMMENT ON COLUMN @extschema@.sync_metrics.name IS 'name of the metric, with its base unit';
COMMENT ON COLUMN @extschema@.sync_metrics.labels IS 'what is measured: job, unit, status';
COMMENT ON COLUMN @extschema@.sync_metrics.value IS 'the sample; there is no row where nothing is known';
COMMENT ON COLUMN @extschema@.sync_metrics.type IS 'gauge, or counter: it grows until the next run begins';
COMMENT ON COLUMN @extschema@.sync_metrics.help IS 'what the metric says';

CREATE FUNCTION @extschema@.sync_metrics_text() RETURNS text
LANGUAGE sql STABLE
SET search_path TO pg_catalog, pg_temp
SET extra_float_digits TO 1
SET jit TO off
AS $function$
    WITH metric AS MATERIALIZED (
        -- Bytes compare and sort many times faster than the database's collation and than jsonb.
        SELECT m.name COLLATE "C" AS name, m.type COLLATE "C" AS type, m.help COLLATE "C" AS help,
               m.labels::text COLLATE "C" AS labels, m.value
        FROM @extschema@.sync_metrics m WHERE m.value <> 'NaN'
    ), label AS (
        -- once for each set of labels: a unit has it on many samples
        SELECT d.labels,
               '{' || string_agg(e.key || '="'
                   || replace(replace(replace(e.value, '\', '\\'), '"', '\"'), chr(10), '\n')
                   || '"', ',' ORDER BY e.key) || '}' AS written
        FROM (SELECT DISTINCT m.labels FROM metric m) d
        CROSS JOIN LATERAL jsonb_each_text(d.labels::jsonb) e
        GROUP BY d.labels
    ), line AS (
        SELECT m.name, m.type, m.help,
               m.name || coalesce(l.written, '') || ' '
               || CASE WHEN m.value = 'Infinity' THEN '+Inf'
                       WHEN m.value = '-Infinity' THEN '-Inf'
                       WHEN m.value = trunc(m.value) AND abs(m.value) < 1e18 THEN m.value::bigint::text
                       ELSE m.value::text END || chr(10) AS sample
        FROM metric m LEFT JOIN label l ON l.labels = m.labels
    ), family AS (
        SELECT l.name,
               '# HELP ' || l.name || ' ' || l.help || chr(10) || '# TYPE ' || l.name || ' ' || l.type || chr(10)
               || string_agg(l.sample, '' ORDER BY l.sample) AS written
        FROM line l GROUP BY l.name, l.type, l.help
    )
    SELECT coalesce(string_agg(f.written, '' ORDER BY f.name), '') FROM family f
$function$;
COMMENT ON FUNCTION @extschema@.sync_metrics_text() IS 'sync_metrics in Prometheus'' text format 0.0.4';

CREATE FUNCTION @extschema@.sync_progress(job text DEFAULT NULL, OUT progress text) RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path TO pg_catalog, pg_temp
AS $function$
DECLARE
    -- What fits on a screen; the units that people look for come first where there are more.
    most constant int := 40;
    clock constant text := 'HH24:MI:SS';
    grouped constant text := 'FM999,999,999,999,999,990';
    j record;
    t record;
    s record;
    u record;
    wide int;
    filled int;
    remark text;
BEGIN
    IF sync_progress.job IS NOT NULL AND NOT EXISTS (SELECT FROM @extschema@.sync_jobs o WHERE o.job = sync_progress.job) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('job "%s" does not exist', sync_progress.job),
            HINT = 'SELECT job FROM sync_jobs;';
    END IF;
    FOR j IN
        SELECT o.job, o.status, o.mode, o.run_id, o.error, o.waiting_for, o.finished_at,
               -- in hours, however many
               make_interval(secs => extract(epoch FROM (
                   SELECT r.duration FROM @extschema@.sync_runs r WHERE r.run_id = o.run_id))::float8) AS elapsed
        FROM @extschema@.sync_jobs o
        WHERE CASE WHEN sync_progress.job IS NULL THEN o.run_id IS NOT NULL AND o.finished_at IS NULL
                   ELSE o.job = sync_progress.job END
        ORDER BY o.job
    LOOP
        IF j.run_id IS NULL THEN
            progress := format('%s  %s  no run yet', regexp_replace(j.job, '\s+', ' ', 'g'), j.status);
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT count(*) AS units,
               coalesce(sum(o.rows_done), 0) AS rows_done,
               coalesce(sum(CASE WHEN o.status IN ('completed', 'streaming') THEN o.rows_done
                                 ELSE greatest(o.rows_done, o.rows_estimated) END), 0) AS rows_estimated,
               -- what waits for a person is not on its way
               coalesce(sum(greatest(0, o.rows_estimated - o.rows_done))
                   FILTER (WHERE o.status IN ('pending', 'running') OR o.next_retry_at IS NOT NULL), 0) AS rows_left,
               bool_and(o.status IN ('completed', 'streaming')) AS complete,
               least(32, max(char_length(o.unit))) AS wide
        INTO t FROM @extschema@.sync_units o WHERE o.job = j.job;
        SELECT o.lag_seconds, o.rows_per_second, o.waiting_for, o.error, o.next_retry_at
        INTO s FROM @extschema@.sync_streams o WHERE o.job = j.job;

        progress := format('%s  %s  run %s  %s  %s rows', regexp_replace(j.job, '\s+', ' ', 'g'), j.status, j.run_id,
            coalesce(to_char(j.elapsed, clock), 'not begun'), to_char(t.rows_done, grouped));
        IF t.complete IS NOT TRUE AND t.rows_estimated > 0 THEN
            progress := progress || format(' of about %s, %s %%', to_char(t.rows_estimated, grouped),
                least(99.9, round(100.0 * t.rows_done / t.rows_estimated, 1)));
        END IF;
        IF s.lag_seconds IS NOT NULL THEN
            progress := progress || format('  lag %s s', s.lag_seconds) || coalesce('  ' || s.rows_per_second || ' changes/s', '');
        ELSIF extract(epoch FROM j.elapsed) > 0 THEN
            progress := progress || format('  %s rows/s', to_char(t.rows_done / extract(epoch FROM j.elapsed), grouped));
        END IF;
        -- By the average since the run began: a look to the last seconds would make it jump.
        IF j.finished_at IS NULL AND t.rows_left > 0 AND t.rows_done > 0 AND extract(epoch FROM j.elapsed) > 0 THEN
            progress := progress || format('  ETA %s', to_char(make_interval(secs =>
                least(round(extract(epoch FROM j.elapsed) * t.rows_left / t.rows_done), 1e9)::float8), clock));
        END IF;
        RETURN NEXT;
        FOREACH remark IN ARRAY ARRAY[
            'error: ' || coalesce(j.error, s.error),
            'waits for: ' || coalesce(j.waiting_for, s.waiting_for),
            'next attempt in ' || to_char(CASE WHEN s.next_retry_at > clock_timestamp() THEN s.next_retry_at - clock_timestamp() END, clock)]
        LOOP
            CONTINUE WHEN remark IS NULL;
            remark := regexp_replace(remark, '\s+', ' ', 'g');
            progress := '    ' || CASE WHEN char_length(remark) > 100 THEN left(remark, 99) || '…' ELSE remark END;
            RETURN NEXT;
        END LOOP;

        wide := t.wide;
        FOR u IN
            SELECT * FROM (
                SELECT regexp_replace(o.unit, '\s+', ' ', 'g') AS unit, o.status, o.phase, o.percent, o.rows_done, o.rows_per_second, o.eta, o.error, o.waiting_for, o.next_retry_at,
                       row_number() OVER (ORDER BY
                           array_position('{failed,running,catching_up,paused,pending,cancelled,streaming,completed}', o.status),
                           o.unit) AS place
                FROM @extschema@.sync_units o WHERE o.job = j.job) o
            WHERE o.place <= most
            ORDER BY CASE WHEN t.units > most THEN o.place END, o.unit
        LOOP
            filled := coalesce(floor(u.percent / 5), 0);
            progress := format('  %s [%s%s] %s %% %s rows %s %s  %s',
                rpad(CASE WHEN char_length(u.unit) > wide THEN left(u.unit, wide - 1) || '…' ELSE u.unit END, wide),
                repeat('█', filled), repeat('░', 20 - filled),
                lpad(coalesce(u.percent::text, '?'), 5),
                lpad(to_char(u.rows_done, grouped), 15),
                -- a streaming unit has been copied: its average since then says nothing
                rpad(CASE WHEN u.status = 'streaming' THEN '' ELSE coalesce(lpad(to_char(u.rows_per_second, grouped), 9) || ' rows/s', '') END, 16),
                rpad(CASE u.status WHEN 'streaming' THEN coalesce('lag ' || s.lag_seconds || ' s', '')
                          -- the stream's lag is not its own
                          WHEN 'catching_up' THEN ''
                          ELSE coalesce('ETA ' || to_char(u.eta, clock), '') END, 12),
                u.status || CASE WHEN u.phase IN ('indexes', 'foreign_keys') THEN ', ' || replace(u.phase, '_', ' ') ELSE '' END);
            RETURN NEXT;
            FOREACH remark IN ARRAY ARRAY[
                'error: ' || u.error,
                'waits for: ' || CASE WHEN u.waiting_for IS DISTINCT FROM coalesce(j.waiting_for, s.waiting_for) THEN u.waiting_for END,
                'next attempt in ' || to_char(CASE WHEN u.next_retry_at > clock_timestamp() THEN u.next_retry_at - clock_timestamp() END, clock)]
            LOOP
                CONTINUE WHEN remark IS NULL;
                remark := regexp_replace(remark, '\s+', ' ', 'g');
                progress := '    ' || CASE WHEN char_length(remark) > 100 THEN left(remark, 99) || '…' ELSE remark END;
                RETURN NEXT;
            END LOOP;
        END LOOP;
        IF t.units > most THEN
            progress := format('  and %s more: SELECT * FROM sync_units WHERE job = %L;', t.units - most, j.job);
            RETURN NEXT;
        END IF;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION @extschema@.sync_progress(text) IS 'a panel for psql''s \watch: the job''s run and a bar for each unit; without a job all runs under way';

GRANT SELECT ON @extschema@.sync_metrics TO PUBLIC;

SET LOCAL search_path TO @extschema@, pg_temp;

-- Jobs that pg_cron starts. Each role sees those whose owner's rights it has.

-- Nothing that stands in another schema is bound into the view.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE VIEW @extschema@.sync_schedules WITH (security_barrier) AS
SELECT j.job,
       s.schedule,
       CASE WHEN j.enabled THEN @extschema@.sync_next_run(s.schedule, clock_timestamp()) END AS next_run_at,
       r.scheduled_at AS last_run_at,
       r.status AS last_status,
       coalesce(r.error, u.error) AS last_error,
       j.enabled AS active,
       s.cron_job_id,
       s.created_by,
       s.created_at
FROM tributary.schedule s
JOIN tributary.job j USING (job_id)
LEFT JOIN LATERAL (
    SELECT r.run_id, r.scheduled_at, r.status, r.error FROM tributary.run r WHERE r.job_id = s.job_id AND r.trigger = 'cron' ORDER BY r.run_id DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (
    SELECT u.unit || ': ' || u.error AS error
    FROM tributary.unit u WHERE u.run_id = r.run_id AND u.status = 'failed' ORDER BY u.unit LIMIT 1) u ON true
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE')
ORDER BY j.job;
COMMENT ON VIEW @extschema@.sync_schedules IS 'jobs that pg_cron starts, and when';
COMMENT ON COLUMN @extschema@.sync_schedules.job IS 'name of the job';
COMMENT ON COLUMN @extschema@.sync_schedules.schedule IS 'when it starts, in UTC: minute, hour, day of month, month, day of week';
COMMENT ON COLUMN @extschema@.sync_schedules.next_run_at IS 'time of the next start; null where the job is disabled';
COMMENT ON COLUMN @extschema@.sync_schedules.last_run_at IS 'time of the last start by pg_cron that made a run';
COMMENT ON COLUMN @extschema@.sync_schedules.last_status IS 'status of that run';
COMMENT ON COLUMN @extschema@.sync_schedules.last_error IS 'error of that run, or of its first failed unit';
COMMENT ON COLUMN @extschema@.sync_schedules.active IS 'the job is enabled; a start of a disabled one does nothing';
COMMENT ON COLUMN @extschema@.sync_schedules.cron_job_id IS 'number of the entry in cron.job';
COMMENT ON COLUMN @extschema@.sync_schedules.created_by IS 'role that made the schedule and that pg_cron acts as';
COMMENT ON COLUMN @extschema@.sync_schedules.created_at IS 'time it was made';

GRANT SELECT ON @extschema@.sync_schedules TO PUBLIC;

COMMENT ON FUNCTION @extschema@.sync_schedule(text, text) IS 'has pg_cron start a job: five fields in UTC, as ''0 3 * * *'', or @hourly, @daily, @weekly, @monthly, @yearly; replaces the job''s schedule; returns the number of pg_cron''s entry';
COMMENT ON FUNCTION @extschema@.sync_unschedule(text) IS 'ends the schedule of a job; false if it had none';
COMMENT ON FUNCTION @extschema@.sync_next_run(text, timestamptz) IS 'the first time after the given one that a schedule is due, in UTC; null if there is none';

SET LOCAL search_path TO @extschema@, pg_temp;

SET LOCAL search_path TO @extschema@, pg_temp;

-- CALL sync_run: for psql, scripts and pg_cron. It commits after starting, so that the workers see the run.
CREATE OR REPLACE PROCEDURE sync_run(job text) LANGUAGE plpgsql AS $procedure$
DECLARE
    run bigint;
    state text;
    unit record;
    problem text;
    told text;
    queued boolean;
    waits boolean;
    follower bigint;
BEGIN
    run := @extschema@.sync_start(job);
    IF run IS NULL THEN
        RETURN;
    END IF;
    -- With overlap queue, the run that was asked for is the one that follows.
    SELECT r.next_trigger IS NOT NULL INTO queued FROM @extschema@.sync_runs r WHERE r.run_id = run;
    COMMIT;
    LOOP
        PERFORM @extschema@.sync_wait(job, '1 second'::pg_catalog.interval);
        COMMIT;
        -- Another run may have begun behind this one.
        SELECT r.status, r.next_trigger IS NOT NULL,
               (SELECT min(n.run_id) FROM @extschema@.sync_runs n WHERE n.job = sync_run.job AND n.run_id > run)
        INTO state, waits, follower FROM @extschema@.sync_runs r WHERE r.run_id = run;
        IF queued AND follower IS NOT NULL THEN
            run := follower;
            queued := false;
            CONTINUE;
        END IF;
        IF queued AND NOT waits AND state <> 'cancelled' THEN
            RAISE EXCEPTION 'the run that was queued behind run % of job "%" was not started', run, job
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = 'A disabled job is not started: SELECT sync_enable_job(…);';
        END IF;
        IF state IS NULL OR state IN ('completed', 'failed', 'cancelled') THEN
            -- One that is cancelled takes along what was queued behind it.
            EXIT WHEN (queued AND waits) IS NOT TRUE;
            PERFORM pg_catalog.pg_sleep(0.1);
            CONTINUE;
        END IF;
        SELECT coalesce(j.error, 'waits for ' || j.waiting_for) INTO problem
        FROM @extschema@.sync_jobs j WHERE j.job = sync_run.job;
        IF problem IS DISTINCT FROM told AND problem IS NOT NULL THEN
            RAISE NOTICE '%', problem;
        END IF;
        told := problem;
        FOR unit IN
            SELECT u.unit, u.rows_done, u.percent, u.rows_per_second
            FROM @extschema@.sync_units u
            WHERE u.job = sync_run.job AND u.status = 'running'
        LOOP
            RAISE NOTICE '%: % rows, % %%, % rows/s', unit.unit, unit.rows_done,
                coalesce(unit.percent::text, '?'), coalesce(unit.rows_per_second::text, '?');
        END LOOP;
    END LOOP;
    PERFORM @extschema@.sync_require_completed(run);
END
$procedure$;

-- For a trigger of a user's table: CREATE TRIGGER … EXECUTE FUNCTION sync_start_trigger('shop'). It runs with the rights of
-- whoever writes the table.
CREATE FUNCTION sync_start_trigger() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_NARGS = 0 THEN
        RAISE EXCEPTION 'sync_start_trigger() needs the name of a job'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'CREATE TRIGGER … EXECUTE FUNCTION sync_start_trigger(''job'');';
    END IF;
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        PERFORM @extschema@.sync_start(TG_ARGV[i], 'event');
    END LOOP;
    RETURN coalesce(NEW, OLD);
END
$function$;
COMMENT ON FUNCTION sync_start_trigger() IS 'trigger function: starts the jobs that its arguments name';

COMMENT ON FUNCTION sync_create_job(text, text, text[], text, text, jsonb) IS 'defines a job: which tables of a source go into which schema';
COMMENT ON FUNCTION sync_alter_job(text, jsonb) IS 'changes options of a job; null puts one back to its default';
COMMENT ON FUNCTION sync_alter_unit(text, text, jsonb) IS 'changes options of one table of a job: target, columns, filter, key, priority, existing_rows, on_ddl, casts and policies';
COMMENT ON FUNCTION sync_drop_job(text) IS 'forgets a job; the tables it made stay';
COMMENT ON FUNCTION sync_start(text, text) IS 'starts a run, or finds the one under way; returns its id at once';
COMMENT ON FUNCTION sync_enable_job(text) IS 'lets a job be started again';
COMMENT ON FUNCTION sync_disable_job(text) IS 'keeps a job from being started by anybody; a run under way goes on';
COMMENT ON FUNCTION sync_depends(text, text[]) IS 'starts the job whenever all the named jobs have completed since its last run; an empty array takes that back';
COMMENT ON FUNCTION sync_export_job(text) IS 'the definition of a job as a document, without secrets';
COMMENT ON FUNCTION sync_import_job(jsonb) IS 'makes a job from a document, or defines it anew; returns the number of its version';
COMMENT ON FUNCTION sync_job_schema() IS 'the JSON Schema of such a document';
COMMENT ON FUNCTION sync_diff_job(text, bigint, bigint) IS 'what a version of a job''s definition, or the present one, says otherwise than an earlier one';
COMMENT ON FUNCTION sync_rollback_job(text, bigint) IS 'gives a job the definition of an earlier version; returns the number of the new one';
COMMENT ON FUNCTION sync_check(text) IS 'each prerequisite of a job: is it met, and the statement that fixes it';
COMMENT ON FUNCTION sync_redrive(text, text) IS 'writes rejected rows again after their cause was fixed; returns the number of rejects it takes up, sync_wait waits for the outcome';
COMMENT ON FUNCTION sync_savepoint(text, text) IS 'keeps the cursors of a job under a name, until sync_drop_savepoint; returns the number of the checkpoint';
COMMENT ON FUNCTION sync_drop_savepoint(text, text) IS 'forgets a savepoint';
COMMENT ON FUNCTION sync_rewind(text, text, bigint, text, jsonb) IS 'goes back to a savepoint, a checkpoint or a cursor, and reads again from there; returns the number of units';
COMMENT ON FUNCTION sync_reset(text, text) IS 'copies a unit, or all, again from the start; returns their number';
COMMENT ON FUNCTION sync_report(text) IS 'a page of HTML about a job, or about all: units, throughput, lag, runs, errors; psql -Atc "SELECT sync_report(''job'')" > report.html';
