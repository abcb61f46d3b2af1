-- $1 run: indexes and foreign keys whose turn it is, those being made included
SELECT s.step_id
FROM tributary.step s
JOIN tributary.unit u USING (unit_id)
WHERE u.run_id = $1 AND u.status = 'running' AND NOT u.redrive AND s.status = 'pending'
  AND (s.kind = 'index' AND u.phase = 'indexes'
       OR s.kind = 'foreign_key' AND u.phase = 'foreign_keys'
          -- the referenced table is still on its way
          AND NOT EXISTS (
              SELECT FROM tributary.unit r
              WHERE r.job_id = u.job_id AND r.run_id = u.run_id AND r.unit = s.referenced_unit
                AND (r.phase IS DISTINCT FROM 'foreign_keys' OR r.redrive)
                AND (r.status IN ('pending', 'running', 'paused')
                     OR r.status = 'failed' AND r.next_retry_at IS NOT NULL)))
ORDER BY CASE u.priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
         u.bytes_estimated DESC NULLS LAST, s.step_id
LIMIT 128
