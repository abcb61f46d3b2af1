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
