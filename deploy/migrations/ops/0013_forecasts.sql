alter table prediction
    add column forecast_low  double precision, -- the final value lies between these with 90 % certainty;
    add column forecast_high double precision; -- null where too few key results have ended to tell
alter table checkpoint add column forecast_errors text not null default '{}';
comment on column checkpoint.forecast_errors is 'by direction and part of the period, the newest errors of forecasts, as JSON';
