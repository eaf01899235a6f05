CREATE TABLE IF NOT EXISTS projects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE IF NOT EXISTS tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project bigint NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    status text NOT NULL DEFAULT 'ready'
);

CREATE INDEX IF NOT EXISTS tasks_by_project ON tasks (project, id);
