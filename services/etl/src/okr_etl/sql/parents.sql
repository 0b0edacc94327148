-- name: known_parents
-- $3: the keys that a batch names and does not bring, with all above them; $4: those it brings, where its file ($5) said
-- them before. Only what has all the columns ($6) that the mapping takes today.
with recursive sought as (
    select p.* from unnest($3::text[]) as w (key) cross join lateral (
        select key, above, columns::text, unit from parent_said
        where source = $1 and generation = $2 and key = w.key order by position desc limit 1) p
    union
    select p.* from sought s cross join lateral (
        select key, above, columns::text, unit from parent_said
        where source = $1 and generation = $2 and key = s.above order by position desc limit 1) p
), brought as (
    select p.* from unnest($4::text[]) as w (key) cross join lateral (
        select key, above, columns::text, unit from parent_said
        where source = $1 and generation = $2 and key = w.key order by position desc limit 1) p
    where p.unit = $5
)
select key, above, columns, unit = $5 as first from (select * from sought union select * from brought) k
where columns::jsonb ?& $6::text[] order by key

-- name: waiting
select position, array_agg(row_num order by row_num) as row_nums from pending
where source = $1 and generation = $2 and parent = any($3::text[]) group by position order by position

-- name: keep_parents
-- What was said already is only said by another file ($4).
with told as (
    select * from unnest($5::text[], $6::text[], $7::text[]) as t (key, above, columns)
), newest as (
    select t.key, p.position, p.above is not distinct from t.above and p.columns::text = t.columns as same
    from told t cross join lateral (
        select position, above, columns from parent_said
        where source = $1 and generation = $2 and key = t.key order by position desc limit 1) p
), again as (
    update parent_said p set unit = $4 from newest n
    where n.same and p.unit <> $4 and p.source = $1 and p.generation = $2 and p.key = n.key and p.position = n.position
)
insert into parent_said (source, generation, key, position, unit, above, columns)
select $1, $2, t.key, $3, $4, t.above, t.columns::json from told t left join newest n using (key) where n.same is not true

-- name: settle_pending
-- $5: the batch that tells them; $6: it is one of a later file; $7 and so on: what they are counted as.
with ended as (
    delete from pending where source = $1 and generation = $2 and position = $3 and row_num = any($4::bigint[])
    returning batch_id, row_num, parent, since
)
insert into waited (source, generation, position, until_position, batch_id, row_nums, parents, since,
    new, changed, duplicate, unchanged, rejected, ignored)
select $1, $2, $3, $5, min(batch_id), array_agg(row_num order by row_num), array_agg(parent order by row_num),
       array_agg(since order by row_num), $7, $8, $9, $10, $11, $12
from ended where $6 having count(*) > 0

-- name: wait_for_another
update pending p set parent = w.parent from unnest($4::bigint[], $5::text[]) as w (row_num, parent)
where p.source = $1 and p.generation = $2 and p.position = $3 and p.row_num = w.row_num

-- name: move_counts
-- Of a batch in its newest generation: rows that waited are counted as what became of them.
update batch_result b set pending = pending - $3 + $9, new = new + $4, changed = changed + $5, duplicate = duplicate + $6,
    unchanged = unchanged + $7, rejected = rejected + $8, ignored = ignored + $10
where source = $1 and position = $2
  and generation = (select max(generation) from batch_result where source = $1 and position = $2)

-- name: move_replayed_counts
update replay_result set pending = pending - $3 + $9, new = new + $4, changed = changed + $5, duplicate = duplicate + $6,
    unchanged = unchanged + $7, rejected = rejected + $8, ignored = ignored + $10
where source = $1 and position = $2

-- name: seed_parents
-- What was told before the first batch that is done again ($2). No file of the replay has said it.
insert into parent_said (source, generation, key, position, unit, above, columns)
select p.source, h.generation + 1, p.key, p.position, '', p.above, p.columns
from parent_said p join source_head h using (source, generation) where p.source = $1 and p.position < $2

-- name: seed_waited
-- Rows that had waited, and were told before the first batch, too.
insert into waited (source, generation, position, until_position, batch_id, row_nums, parents, since,
    new, changed, duplicate, unchanged, rejected, ignored)
select w.source, h.generation + 1, w.position, w.until_position, w.batch_id, w.row_nums, w.parents, w.since,
       w.new, w.changed, w.duplicate, w.unchanged, w.rejected, w.ignored
from waited w join source_head h using (source, generation) where w.source = $1 and w.until_position < $2

-- name: seed_pending
-- Rows of the batches before that wait; and those that are told by one that is done again.
insert into pending (source, generation, position, batch_id, row_num, parent, since)
select p.source, h.generation + 1, p.position, p.batch_id, p.row_num, p.parent, p.since
from pending p join source_head h using (source, generation) where p.source = $1 and p.position < $2
union all
select w.source, h.generation + 1, w.position, w.batch_id, r.row_num, r.parent, r.since
from waited w join source_head h using (source, generation)
cross join lateral unnest(w.row_nums, w.parents, w.since) as r (row_num, parent, since)
where w.source = $1 and w.position < $2 and w.until_position >= $2

-- name: seed_results
-- Of the batches before, in which rows wait: their counts may move. Rows that wait again are counted so.
with before as (
    select distinct on (position) * from batch_result where source = $1 and position < $2 order by position, generation desc
), again as (
    select w.position, sum(cardinality(row_nums)) as pending, sum(new) as new, sum(changed) as changed,
           sum(duplicate) as duplicate, sum(unchanged) as unchanged, sum(rejected) as rejected, sum(ignored) as ignored
    from waited w join source_head h using (source, generation)
    where w.source = $1 and w.position < $2 and w.until_position >= $2 group by w.position
)
insert into replay_result
select p.* from before b join source_head h using (source) left join again a on a.position = b.position
cross join lateral json_populate_record(null::replay_result, (to_jsonb(b) || jsonb_build_object(
    'generation', h.generation + 1, 'versions', 0, 'outcomes', 0, 'replayed', true,
    'pending', b.pending + coalesce(a.pending, 0), 'new', b.new - coalesce(a.new, 0),
    'changed', b.changed - coalesce(a.changed, 0), 'duplicate', b.duplicate - coalesce(a.duplicate, 0),
    'unchanged', b.unchanged - coalesce(a.unchanged, 0), 'rejected', b.rejected - coalesce(a.rejected, 0),
    'ignored', b.ignored - coalesce(a.ignored, 0)))::json) p
where b.pending > 0 or a.pending > 0

-- name: seed_rejected
-- Of the same batches, what was rejected of them by then.
insert into replay_rejected (source, position, batch_id, row_num, reasons, detail, row_hash, unit)
select source, position, batch_id, row_num, reasons, detail, row_hash, unit from rejected r
where source = $1 and position < $2 and position in (select position from replay_result where source = $1)
  and not exists (
      select from waited w join source_head h using (source, generation)
      where w.source = $1 and w.position = r.position and w.until_position >= $2 and r.row_num = any(w.row_nums))

-- name: waiting_since
-- In a replay rows have waited as long as they have without it.
update pending p set since = f.since from pending f
where p.source = $1 and p.generation = $2 and p.position = $3
  and f.source = p.source and f.generation = $2 - 1 and f.position = p.position and f.row_num = p.row_num

-- name: list_pending
-- The newest batch of a source first.
select p.source, p.position, p.batch_id, p.row_num, p.parent, p.since
from pending p join source_head h using (source, generation)
where $1::text is null or p.source = $1 order by p.source, p.position desc, p.row_num limit $2 offset $3

-- name: count_pending
select count(*) from pending p join source_head h using (source, generation) where source = $1

-- name: overlooked
-- Rows that wait for a parent that is there: there are none, unless the mapping takes other columns by now.
select count(*) from pending p join source_head h using (source, generation)
where exists (select from parent_said s where s.source = p.source and s.generation = p.generation and s.key = p.parent)

-- name: keep_periods
-- $10: rows give the days, and of what one file says the widest span holds; else the labels say them.
insert into period_said as p (source, generation, position, unit, period_id, label, kind, start_on, end_on)
select $1, $2, $3, $4, t.* from unnest($5::uuid[], $6::text[], $7::text[], $8::date[], $9::date[]) t
on conflict (source, generation, period_id, unit) do update set
    start_on = case when not $10 then excluded.start_on
        when least(p.start_on, excluded.start_on) > greatest(p.end_on, excluded.end_on) then p.start_on
        else least(p.start_on, excluded.start_on) end,
    end_on = case when not $10 then excluded.end_on
        when least(p.start_on, excluded.start_on) > greatest(p.end_on, excluded.end_on) then p.end_on
        else greatest(p.end_on, excluded.end_on) end

-- name: seed_periods
-- What was said before the first batch that is done again ($2).
insert into period_said (source, generation, period_id, unit, position, label, kind, start_on, end_on)
select p.source, h.generation + 1, p.period_id, p.unit, p.position, p.label, p.kind, p.start_on, p.end_on
from period_said p join source_head h using (source, generation) where p.source = $1 and p.position < $2

-- name: mark_aligned
-- The goals that contribute to one of these, whose documents name it.
insert into document_due (entity_id, entity, source)
select distinct child_id, child_entity, source from alignment
where source = $1 and ($2::uuid[] is null or parent_id = any($2))
on conflict (entity_id) do update set revision = nextval('document_revision'), due_at = now()
