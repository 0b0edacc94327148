alter table tally add column reached double precision not null default 0;
comment on column tally.reached is 'of an owner''s, by unit: the mean of the values at which they ended, the last ones first';
