-- Options of one engine only move into "tuning", which is null for an engine without any.
UPDATE "job" SET "options" =
  ("options" - ARRAY['steps', 'minGuidanceScale', 'maxGuidanceScale', 'guidanceMin', 'guidanceMax', 'noiseAugStrength', 'noiseAugmentation', 'motionBucketId'])
  || jsonb_build_object('tuning', CASE WHEN "engine" = 'SVD_XT' THEN jsonb_build_object(
    'numInferenceSteps', "options" -> 'steps',
    'minGuidanceScale', coalesce("options" -> 'minGuidanceScale', "options" -> 'guidanceMin'),
    'maxGuidanceScale', coalesce("options" -> 'maxGuidanceScale', "options" -> 'guidanceMax'),
    'noiseAugStrength', coalesce("options" -> 'noiseAugStrength', "options" -> 'noiseAugmentation'),
    'motionBucketId', "options" -> 'motionBucketId'
  ) ELSE 'null'::jsonb END)
WHERE "options" -> 'tuning' IS NULL;

-- Render time by the engine's cost model alone.
ALTER TABLE "job" RENAME COLUMN "guessSeconds" TO "baselineSeconds";

-- Cost models have new field names. The next heartbeat fills them in.
ALTER TABLE "worker" RENAME COLUMN "paces" TO "costModels";
UPDATE "worker" SET "costModels" = '{}';
