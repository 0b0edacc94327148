-- name: document_ids
select entity_id from document order by entity_id
