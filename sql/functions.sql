-- CALL sync_run: for psql, scripts and pg_cron. It commits after starting, so that the workers see the run.
CREATE PROCEDURE sync_run(job text) LANGUAGE plpgsql AS $procedure$
DECLARE
    run bigint;
    state text;
    unit record;
    problem text;
    told text;
BEGIN
    run := @extschema@.sync_start(job);
    COMMIT;
    LOOP
        state := @extschema@.sync_wait(job, '1 second'::pg_catalog.interval);
        COMMIT;
        EXIT WHEN state IN ('completed', 'failed', 'cancelled');
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
COMMENT ON PROCEDURE sync_run(text) IS 'starts a job and waits for its run with progress notices; an ERROR if the run fails';

-- A source says where the server connects to: not for everybody. A job on one needs USAGE on its foreign server.
REVOKE ALL ON FUNCTION sync_create_source(text, text) FROM PUBLIC;

COMMENT ON FUNCTION sync_create_source(text, text) IS 'CREATE SERVER and CREATE USER MAPPING from a URL: mysql://user:password@host:port/database';
COMMENT ON FUNCTION sync_create_job(text, text, text[], text, text, jsonb) IS 'defines a job: which tables of a source go into which schema';
COMMENT ON FUNCTION sync_alter_job(text, jsonb) IS 'changes options of a job; null puts one back to its default';
COMMENT ON FUNCTION sync_alter_unit(text, text, jsonb) IS 'changes options of one table of a job: target, columns, filter, key, priority, existing_rows, on_ddl, casts and policies';
COMMENT ON FUNCTION sync_drop_job(text) IS 'forgets a job; the tables it made stay';
COMMENT ON FUNCTION sync_check(text) IS 'each prerequisite of a job: is it met, and the statement that mends it';
COMMENT ON FUNCTION sync_plan(text) IS 'what a run would do with each table';
COMMENT ON FUNCTION sync_start(text) IS 'starts a run, or finds the one under way; returns its id at once';
COMMENT ON FUNCTION sync_pause(text, text) IS 'pauses the run, or one unit of it; returns the number of units paused';
COMMENT ON FUNCTION sync_resume(text, text) IS 'goes on with a paused run or unit; returns the number of units resumed';
COMMENT ON FUNCTION sync_cancel(text, text) IS 'ends the run, or one unit of it, where it stands; returns the number of units cancelled';
COMMENT ON FUNCTION sync_retry(text, text) IS 'goes on with the failed units, or the named one; returns their number';
COMMENT ON FUNCTION sync_redrive(text, text) IS 'writes rejected rows again after their cause was mended; returns the number of rejects it takes up, sync_wait waits for the outcome';
COMMENT ON FUNCTION sync_clear_rejects(text, text) IS 'forgets the rejected rows of a job or of one unit; returns their number';
COMMENT ON FUNCTION sync_wait(text, interval) IS 'waits until the latest run has ended, or for the given time; returns its status';
COMMENT ON FUNCTION sync_require_completed(bigint) IS 'raises the error of a run that did not complete';
COMMENT ON FUNCTION sync_wait_for(text, text, interval) IS 'waits until a position of the source is applied: now, a GTID or file:offset; false when the time is over';
COMMENT ON FUNCTION sync_resync(text, text) IS 'copies a unit of a stream, or all, anew beside the live table; returns their number';
