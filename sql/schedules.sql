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
