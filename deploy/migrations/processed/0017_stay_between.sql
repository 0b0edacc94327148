-- A level between two marks: its baseline is the lower one, its target the upper one.
alter table key_result drop constraint key_result_direction_check;
alter table key_result add constraint key_result_direction_check
    check (direction in ('increase', 'decrease', 'stay_above', 'stay_below', 'stay_between', 'none'));
