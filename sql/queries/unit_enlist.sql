-- $1 job, $2 run, $3 source table, $4 target schema, $5 target table, $6 priority, $7 rows, $8 bytes
INSERT INTO tributary.unit AS u
    (job_id, run_id, unit, target_schema, target_table, priority, rows_estimated, bytes_estimated)
VALUES ($1, $2, $3, $4::name, $5, $6, $7, $8)
ON CONFLICT (job_id, unit) DO UPDATE SET
    run_id = excluded.run_id,
    loaded_at = CASE WHEN (u.target_schema, u.target_table) = (excluded.target_schema, excluded.target_table)
                     THEN u.loaded_at END,
    touched = u.touched AND (u.target_schema, u.target_table) = (excluded.target_schema, excluded.target_table),
    target_schema = excluded.target_schema,
    target_table = excluded.target_table,
    priority = excluded.priority,
    rows_estimated = excluded.rows_estimated,
    bytes_estimated = excluded.bytes_estimated,
    status = 'pending', phase = NULL, redrive = false, method = NULL, load_oid = NULL, plan = NULL, before = NULL, frontier = NULL,
    position = NULL, catch_up_to = NULL, waiting_for = NULL,
    planned = false, attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL,
    started_at = NULL, finished_at = NULL, updated_at = clock_timestamp()
