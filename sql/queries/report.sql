-- $1 job, or null for all: what sync_report draws, as the caller's rights show it. Times are seconds of the epoch.
-- Views are asked job by job (LATERAL … OFFSET 0), so that the plan for all arguments reads one job's rows only.
SELECT r.* FROM (
WITH j AS MATERIALIZED (
    SELECT * FROM sync_jobs WHERE $1::text IS NULL OR job = $1),
s AS MATERIALIZED (
    SELECT s.* FROM j CROSS JOIN LATERAL (SELECT * FROM sync_streams s WHERE s.job = j.job OFFSET 0) s),
u AS MATERIALIZED (
    SELECT u.* FROM j CROSS JOIN LATERAL (SELECT * FROM sync_units u WHERE u.job = j.job OFFSET 0) u),
-- what needs a person first, then what is at work, then the rest
listed AS MATERIALIZED (
    SELECT u.*, row_number() OVER (ORDER BY u.status = 'failed' DESC, u.error IS NOT NULL DESC,
               u.status IN ('running', 'catching_up') DESC, u.status = 'paused' DESC, u.job, u.unit) AS place
    FROM u ORDER BY place LIMIT 500),
-- many jobs are drawn by five minutes, one by the minute
step AS (SELECT CASE WHEN $1::text IS NULL THEN 300 ELSE 60 END AS seconds),
counted AS (
    SELECT j.job, s.unit, s.at, s.lag_seconds,
           CASE WHEN $1::text IS NULL THEN j.job ELSE s.unit END AS label,
           s.rows_done - lag(s.rows_done) OVER w AS rows,
           s.bytes_done - lag(s.bytes_done) OVER w AS bytes,
           s.rows_rejected - lag(s.rows_rejected) OVER w AS rejects,
           extract(epoch FROM s.at - lag(s.at) OVER w)::double precision AS seconds
    FROM j CROSS JOIN LATERAL (
        SELECT s.unit, date_trunc('minute', s.at) AS at, s.rows_done, s.bytes_done, s.rows_rejected, s.lag_seconds
        FROM sync_samples s
        WHERE s.job = j.job AND s.at > now() - interval '24 h'
          AND ($1::text IS NOT NULL OR extract(minute FROM s.at)::integer % 5 = 0)
        OFFSET 0) s
    WINDOW w AS (PARTITION BY j.job, s.unit ORDER BY s.at)),
-- a counter that fell began anew, and a long silence says nothing of the rate: both are gaps
rated AS MATERIALIZED (
    SELECT c.label, c.at, c.lag_seconds,
           CASE WHEN c.rows >= 0 AND c.bytes >= 0 THEN c.rows / c.seconds END AS rows,
           CASE WHEN c.rows >= 0 AND c.bytes >= 0 THEN c.bytes / c.seconds END AS bytes,
           CASE WHEN c.rejects >= 0 THEN 60 * c.rejects / c.seconds END AS rejects
    FROM (SELECT c.label, c.at, c.lag_seconds, c.rows, c.bytes, c.rejects,
                 CASE WHEN c.seconds > 0 AND c.seconds < 2.5 * step.seconds THEN c.seconds END AS seconds
          FROM counted c CROSS JOIN step) c),
busiest AS (
    SELECT label FROM rated GROUP BY label ORDER BY sum(rows) DESC NULLS LAST, label LIMIT 4),
most_behind AS (
    SELECT label FROM rated WHERE lag_seconds IS NOT NULL GROUP BY label ORDER BY max(lag_seconds) DESC, label LIMIT 5)
SELECT
(SELECT to_json(x) FROM (
    SELECT $1::text AS job,
           extract(epoch FROM now()) AS at,
           extract(timezone FROM now())::integer AS utc_offset,
           current_setting('TimeZone') AS time_zone,
           current_setting('server_version') AS server_version,
           (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_tributary') AS extension_version,
           current_database() AS database,
           current_user AS role) x) AS about,
(SELECT to_json(x) FROM (
    SELECT (SELECT count(*) FROM j) AS jobs,
           count(*) AS units,
           count(*) FILTER (WHERE u.status = 'completed') AS completed,
           count(*) FILTER (WHERE u.status = 'streaming') AS streaming,
           count(*) FILTER (WHERE u.status = 'failed') AS failed,
           coalesce(sum(u.rows_done), 0)::bigint AS rows_done,
           coalesce(sum(u.bytes_done), 0)::bigint AS bytes_done,
           coalesce(sum(u.rows_rejected), 0)::bigint AS rows_rejected
    FROM u) x) AS totals,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT j.job, j.status, j.source, j.target_schema, j.mode, j.units, j.units_total, j.units_completed,
           j.units_streaming, j.units_failed, j.waiting_for, j.error, j.hint, j.owner, j.options::text AS options,
           j.run_id, j.version, j.enabled, j.depends_on,
           extract(epoch FROM j.started_at) AS started_at,
           extract(epoch FROM j.finished_at) AS finished_at,
           extract(epoch FROM (SELECT r.duration FROM sync_runs r WHERE r.run_id = j.run_id)) AS duration,
           extract(epoch FROM j.created_at) AS created_at,
           extract(epoch FROM j.altered_at) AS altered_at
    FROM j ORDER BY j.units_failed > 0 OR j.error IS NOT NULL DESC, j.job LIMIT 200) x) AS jobs,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT u.job, u.unit, u.target, u.status, u.phase, u.rows_estimated, u.rows_done, u.percent, u.rows_per_second,
           u.rows_rejected, u.rows_filtered, u.bytes_done, u.waiting_for, u.attempts, u.error, u.hint, u.buffer_percent,
           extract(epoch FROM u.eta) AS eta,
           extract(epoch FROM u.next_retry_at) AS next_retry_at,
           extract(epoch FROM u.duration) AS duration,
           extract(epoch FROM u.source_wait) AS source_wait,
           extract(epoch FROM u.target_wait) AS target_wait
    FROM listed u ORDER BY u.place) x) AS units,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT s.job, s.status, s.units, s.lag_seconds, s.lag_bytes, s.gtid, s.file, s."offset", s.source_gtid, s.source_file,
           s.source_offset, s.transactions_per_second, s.rows_per_second, s.transactions, s.rows, s.waiting_for, s.attempts,
           s.error, s.hint, s.buffer_percent,
           extract(epoch FROM s.heartbeat_at) AS heartbeat_at,
           extract(epoch FROM s.applied_at) AS applied_at,
           extract(epoch FROM s.next_retry_at) AS next_retry_at,
           extract(epoch FROM s.source_wait) AS source_wait,
           extract(epoch FROM s.target_wait) AS target_wait
    FROM s ORDER BY s.lag_seconds DESC NULLS LAST, s.job LIMIT 200) x) AS streams,
(SELECT to_json(x) FROM (
    SELECT step.seconds AS step,
           (SELECT coalesce(json_agg(json_build_array(t.at, t.rows, t.bytes, t.rejects) ORDER BY t.at), '[]') FROM (
               SELECT extract(epoch FROM r.at) AS at, sum(r.rows) AS rows, sum(r.bytes) AS bytes, sum(r.rejects) AS rejects
               FROM rated r GROUP BY r.at) t) AS total,
           (SELECT coalesce(json_agg(l ORDER BY l.label), '[]') FROM (
               SELECT r.label, json_agg(json_build_array(r.at, r.rows) ORDER BY r.at) AS points
               FROM (SELECT r.label, extract(epoch FROM r.at) AS at, sum(r.rows) AS rows
                     FROM rated r JOIN busiest USING (label) GROUP BY r.label, r.at) r
               GROUP BY r.label) l) AS rows,
           (SELECT coalesce(json_agg(l ORDER BY l.label), '[]') FROM (
               SELECT r.label, json_agg(json_build_array(r.at, r.lag) ORDER BY r.at) AS points
               FROM (SELECT r.label, extract(epoch FROM r.at) AS at, max(r.lag_seconds) AS lag
                     FROM rated r JOIN most_behind USING (label) GROUP BY r.label, r.at) r
               GROUP BY r.label) l) AS lag
    FROM step) x) AS samples,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT r.* FROM j CROSS JOIN LATERAL (
        SELECT r.run_id, r.job, r.status, r.trigger, r.started_by, r.attempt, r.version, r.rows_done, r.rows_rejected,
               r.bytes_done, r.error, r.hint,
               extract(epoch FROM coalesce(r.started_at, r.scheduled_at)) AS started_at,
               extract(epoch FROM r.duration) AS duration
        FROM sync_runs r WHERE r.job = j.job ORDER BY r.run_id DESC LIMIT 20) r
    ORDER BY r.run_id DESC LIMIT 20) x) AS runs,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT e.* FROM j CROSS JOIN LATERAL (
        SELECT e.event_id, extract(epoch FROM e.at) AS at, e.job, e.unit, e.status, e.message, e.sqlstate, e.run_id
        FROM sync_events e WHERE e.job = j.job ORDER BY e.event_id DESC LIMIT 50) e
    ORDER BY e.event_id DESC LIMIT 50) x) AS events,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT e.* FROM j CROSS JOIN LATERAL (
        SELECT e.job, e.unit, e.key, e.sqlstate, e.message, e.column_name, e.hint, extract(epoch FROM e.at) AS at
        FROM sync_rejects e WHERE e.job = j.job ORDER BY e.at DESC LIMIT 20) e
    ORDER BY e.at DESC LIMIT 20) x) AS rejects,
(SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT p.job, p.unit, p.method,
           coalesce(p.plan #> '{key,columns}', '[]') AS key,
           p.plan ->> 'filter' AS filter,
           coalesce(p.plan -> 'warnings', '[]') AS warnings,
           jsonb_array_length(p.plan -> 'columns') AS columns_total,
           (SELECT coalesce(json_agg(json_build_object(
                       'source', c.value #>> '{source,name}', 'source_type', c.value #>> '{source,type_name}',
                       'target', c.value ->> 'target_name', 'target_type', c.value ->> 'type_name',
                       'nullable', c.value #> '{source,nullable}', 'cast', c.value -> 'cast') ORDER BY c.place), '[]')
            FROM jsonb_array_elements(p.plan -> 'columns') WITH ORDINALITY c (value, place) WHERE c.place <= 100) AS columns,
           (SELECT coalesce(json_agg(json_build_object(
                       'kind', t.kind, 'name', t.name, 'referenced_unit', t.referenced_unit, 'status', t.status)), '[]')
            FROM (SELECT * FROM sync_steps t WHERE t.job = p.job AND t.unit = p.unit LIMIT 100) t) AS steps
    FROM (SELECT l.job, l.unit FROM listed l ORDER BY l.place LIMIT 60) l
    CROSS JOIN LATERAL (
        SELECT * FROM sync_plans p WHERE p.job = l.job AND p.unit = l.unit AND p.plan IS NOT NULL OFFSET 0) p
    ORDER BY p.job, p.unit) x) AS plans
) r
