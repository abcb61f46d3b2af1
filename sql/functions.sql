-- CALL sync_run: for psql, scripts and pg_cron. It commits after starting, so that the workers see the run.
CREATE PROCEDURE sync_run(job text) LANGUAGE plpgsql AS $procedure$
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
COMMENT ON PROCEDURE sync_run(text) IS 'starts a job and waits for its run with progress notices; an ERROR if the run fails';

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

-- A source says where the server connects to: not for everybody. A job on one needs USAGE on its foreign server.
REVOKE ALL ON FUNCTION sync_create_source(text, text) FROM PUBLIC;

COMMENT ON FUNCTION sync_create_source(text, text) IS 'CREATE SERVER and CREATE USER MAPPING from a URL: mysql://user:password@host:port/database';
COMMENT ON FUNCTION sync_create_job(text, text, text[], text, text, jsonb) IS 'defines a job: which tables of a source go into which schema';
COMMENT ON FUNCTION sync_alter_job(text, jsonb) IS 'changes options of a job; null puts one back to its default';
COMMENT ON FUNCTION sync_alter_unit(text, text, jsonb) IS 'changes options of one table of a job: target, columns, filter, key, priority, existing_rows, on_ddl, casts and policies';
COMMENT ON FUNCTION sync_drop_job(text) IS 'forgets a job; the tables it made stay';
COMMENT ON FUNCTION sync_check(text) IS 'each prerequisite of a job: is it met, and the statement that fixes it';
COMMENT ON FUNCTION sync_plan(text) IS 'what a run would do with each table';
COMMENT ON FUNCTION sync_start(text, text) IS 'starts a run, or finds the one under way; returns its id at once';
COMMENT ON FUNCTION sync_pause(text, text) IS 'pauses the run, or one unit of it; returns the number of units paused';
COMMENT ON FUNCTION sync_resume(text, text) IS 'goes on with a paused run or unit; returns the number of units resumed';
COMMENT ON FUNCTION sync_cancel(text, text) IS 'ends the run, or one unit of it, where it stands; returns the number of units cancelled';
COMMENT ON FUNCTION sync_retry(text, text) IS 'goes on with the failed units, or the named one; returns their number';
COMMENT ON FUNCTION sync_redrive(text, text) IS 'writes rejected rows again after their cause was fixed; returns the number of rejects it takes up, sync_wait waits for the outcome';
COMMENT ON FUNCTION sync_clear_rejects(text, text) IS 'forgets the rejected rows of a job or of one unit; returns their number';
COMMENT ON FUNCTION sync_wait(text, interval) IS 'waits until the latest run has ended, or for the given time; returns its status';
COMMENT ON FUNCTION sync_require_completed(bigint) IS 'raises the error of a run that did not complete';
COMMENT ON FUNCTION sync_wait_for(text, text, interval) IS 'waits until a position of the source is applied: now, a GTID or file:offset; false when the time is over';
COMMENT ON FUNCTION sync_resync(text, text) IS 'copies a unit of a stream, or all, anew beside the live table; returns their number';
COMMENT ON FUNCTION sync_enable_job(text) IS 'lets a job be started again';
COMMENT ON FUNCTION sync_disable_job(text) IS 'keeps a job from being started by anybody; a run under way goes on';
COMMENT ON FUNCTION sync_depends(text, text[]) IS 'starts the job whenever all the named jobs have completed since its last run; an empty array takes that back';
COMMENT ON FUNCTION sync_export_job(text) IS 'the definition of a job as a document, without secrets';
COMMENT ON FUNCTION sync_import_job(jsonb) IS 'makes a job from a document, or defines it anew; returns the number of its version';
COMMENT ON FUNCTION sync_job_schema() IS 'the JSON Schema of such a document';
COMMENT ON FUNCTION sync_diff_job(text, bigint, bigint) IS 'what a version of a job''s definition, or the present one, says otherwise than an earlier one';
COMMENT ON FUNCTION sync_rollback_job(text, bigint) IS 'gives a job the definition of an earlier version; returns the number of the new one';
COMMENT ON FUNCTION sync_savepoint(text, text) IS 'keeps the cursors of a job under a name, until sync_drop_savepoint; returns the number of the checkpoint';
COMMENT ON FUNCTION sync_drop_savepoint(text, text) IS 'forgets a savepoint';
COMMENT ON FUNCTION sync_rewind(text, text, bigint, text, jsonb) IS 'goes back to a savepoint, a checkpoint or a cursor, and reads again from there; returns the number of units';
COMMENT ON FUNCTION sync_reset(text, text) IS 'copies a unit, or all, again from the start; returns their number';
COMMENT ON FUNCTION sync_report(text) IS 'a page of HTML about a job, or about all: units, throughput, lag, runs, errors; psql -Atc "SELECT sync_report(''job'')" > report.html';
