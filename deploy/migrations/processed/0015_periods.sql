-- What files say of periods, by generation: a replay says its own, and nobody reads it before the replay holds. Each file's
-- statement stays, for a replay begins with what was said before its first batch.
create table period_said (
    source     text   not null,
    generation int    not null,
    period_id  uuid   not null,
    unit       text   not null,                       -- the file, or request, that says so
    position   bigint not null,                       -- of its first batch that does
    label      text   not null,
    kind       text   not null check (kind in ('quarter', 'half', 'year', 'other')),
    start_on   date,                                  -- of all that the file says the widest span
    end_on     date,
    primary key (source, generation, period_id, unit),
    check (start_on <= end_on)
);
insert into period_said (source, generation, period_id, unit, position, label, kind, start_on, end_on)
select p.source, g.generation, p.period_id, '', 0, p.label, p.kind, p.start_on, p.end_on
from period p join (
    select source, generation from source_head
    union select source, generation from replay where generation is not null) g using (source);

-- Each period as it is now: the newest file that gives it days says which.
drop table period;
create view period as
select distinct on (s.period_id) s.period_id, s.source, s.label as source_id, s.label, s.kind, s.start_on, s.end_on
from period_said s join source_head using (source, generation)
order by s.period_id, coalesce(s.start_on, s.end_on) is null, s.position desc;
