-- $1 job: its definition as a whole
SELECT j.source::text AS source, j.units, j.target_schema::text AS target_schema, j.mode, j.options,
       (SELECT coalesce(pg_catalog.jsonb_object_agg(s.unit, s.options), '{}') FROM tributary.unit_setting s
        WHERE s.job_id = j.job_id AND s.options <> '{}') AS unit_options,
       (SELECT coalesce(pg_catalog.jsonb_agg(o.job ORDER BY o.job), '[]') FROM tributary.dependency d
        JOIN tributary.job o ON o.job_id = d.on_job_id WHERE d.job_id = j.job_id) AS depends_on
FROM tributary.job j WHERE j.job_id = $1
