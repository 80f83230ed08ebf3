CREATE TYPE sexes AS ENUM ('F', 'M');
CREATE TABLE hospitals (id integer PRIMARY KEY, name text);
CREATE TABLE visits (
  patient_id varchar(20) PRIMARY KEY,
  age integer NOT NULL CHECK (age BETWEEN 0 AND 110),
  sex sexes,
  bmi double precision CHECK (bmi >= 10 AND bmi <= 80),
  visited date CHECK (visited BETWEEN DATE '2020-01-01' AND DATE '2024-12-31'),
  smokes boolean
);
COMMENT ON COLUMN visits.patient_id IS 'Study number';
COMMENT ON TABLE visits IS 'Visits of a clinic';
