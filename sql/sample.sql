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
