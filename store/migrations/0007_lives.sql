-- When the venue listed an instrument; 0 where nobody tells: then valid_from is when we first saw it, and its history
-- may reach further back.
ALTER TABLE instruments ADD COLUMN IF NOT EXISTS listed DateTime64(9, 'UTC') DEFAULT 0;
