-- What a crop of a photo keeps in view. Photos stored before were cropped around their middle.
ALTER TABLE "upload" ADD COLUMN "focus" JSONB NOT NULL DEFAULT '{"x": 0.5, "y": 0.5}';
ALTER TABLE "upload" ALTER COLUMN "focus" DROP DEFAULT;
ALTER TABLE "job" ADD COLUMN "photoFocus" JSONB NOT NULL DEFAULT '{"x": 0.5, "y": 0.5}';
ALTER TABLE "job" ALTER COLUMN "photoFocus" DROP DEFAULT;

-- Options name the part of the photo that is shown. Null with COVER stands for the middle.
UPDATE "job" SET "options" = '{"crop": null}' || "options";
