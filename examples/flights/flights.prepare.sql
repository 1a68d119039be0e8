-- The sink of examples/flights/flights.ts. `npm start` applies it before a fresh run, never before one that is resumed.
drop table if exists public.flights;

create table public.flights (
  position       bigint    primary key,
  departed_at    timestamp not null,
  delay_minutes  integer   not null,
  distance_miles integer   not null,
  origin         text      not null,
  destination    text      not null
);
