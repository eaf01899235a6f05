-- Only adds: versions that do not know the column go on working, and their tasks get the default.
ALTER TABLE tasks ADD COLUMN IF NOT EXISTS priority text NOT NULL DEFAULT 'normal';
