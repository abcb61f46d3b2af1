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
