-- $1 run: units that need preparing, cutting, finishing or redriving, the most urgent first
SELECT u.unit_id
FROM tributary.unit u
WHERE u.run_id = $1
  AND (u.status = 'pending'
       OR u.status = 'running'
          AND (u.redrive
               OR u.phase = 'rows'
                  AND (NOT u.planned
                       OR NOT EXISTS (SELECT FROM tributary.chunk c
                                      WHERE c.unit_id = u.unit_id AND c.status <> 'completed'))
               OR u.phase IN ('indexes', 'foreign_keys')
                  AND NOT EXISTS (SELECT FROM tributary.step s
                                  WHERE s.unit_id = u.unit_id AND s.status <> 'completed'
                                    AND s.kind = CASE u.phase WHEN 'indexes' THEN 'index' ELSE 'foreign_key' END)))
ORDER BY CASE u.priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
         u.bytes_estimated DESC NULLS LAST, u.unit_id
LIMIT 128
