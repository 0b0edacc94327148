-- How sure a probability is: it lies between these with 90 % certainty, by the outcomes that its calibration had learned.
-- Null: nothing was learned (the pace rule answered), nobody could judge it, or it was made before this column was there.
alter table prediction add column probability_low double precision, add column probability_high double precision;
