CREATE TABLE `case_message` (
	`id` text PRIMARY KEY NOT NULL,
	`case` text NOT NULL,
	`staff` integer,
	`text` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`case`) REFERENCES `support_case`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`staff`) REFERENCES `staff_token`(`id`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `case_message_of_case` ON `case_message` (`case`,`at`);--> statement-breakpoint
CREATE TABLE `guardian` (
	`id` integer PRIMARY KEY NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`name` text,
	`cpr_hash` text,
	`language` text NOT NULL,
	`mail` text,
	`tell_below` integer,
	`tell_purchases` integer DEFAULT 0 NOT NULL,
	`tell_weekly` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`logged_in_at` integer NOT NULL,
	CONSTRAINT "guardian_language" CHECK("guardian"."language" in ('da', 'en')),
	CONSTRAINT "guardian_tell_below_positive" CHECK("guardian"."tell_below" > 0),
	CONSTRAINT "guardian_tell_purchases" CHECK("guardian"."tell_purchases" in (0, 1)),
	CONSTRAINT "guardian_tell_weekly" CHECK("guardian"."tell_weekly" in (0, 1))
) STRICT;
--> statement-breakpoint
CREATE INDEX `guardian_by_cpr` ON `guardian` (`cpr_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `guardian_of_broker` ON `guardian` (`issuer`,`subject`);--> statement-breakpoint
CREATE TABLE `guardianship` (
	`child` integer NOT NULL,
	`cpr_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	PRIMARY KEY(`child`, `cpr_hash`),
	FOREIGN KEY (`child`) REFERENCES `child`(`id`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `guardianship_by_cpr` ON `guardianship` (`cpr_hash`);--> statement-breakpoint
CREATE TABLE `login_attempt` (
	`hash` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`nonce` text NOT NULL,
	`verifier` text NOT NULL,
	`return_to` text NOT NULL,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY NOT NULL,
	`guardian` integer NOT NULL,
	`kind` text NOT NULL,
	`cause` text NOT NULL,
	`recipient` text NOT NULL,
	`child` integer,
	`data` text NOT NULL,
	`created_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`sent_at` integer,
	`given_up_at` integer,
	`error` text,
	FOREIGN KEY (`guardian`) REFERENCES `guardian`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`child`) REFERENCES `child`(`id`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `outbox_due` ON `outbox` (`due_at`) WHERE "outbox"."sent_at" is null and "outbox"."given_up_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_once` ON `outbox` (`guardian`,`kind`,`cause`,`recipient`);--> statement-breakpoint
CREATE TABLE `publication` (
	`kind` text NOT NULL,
	`language` text NOT NULL,
	`version` integer NOT NULL,
	`text` text NOT NULL,
	`staff` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`kind`, `language`, `version`),
	FOREIGN KEY (`staff`) REFERENCES `staff_token`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "publication_kind" CHECK("publication"."kind" in ('terms', 'accessibility', 'privacy')),
	CONSTRAINT "publication_language" CHECK("publication"."language" in ('da', 'en')),
	CONSTRAINT "publication_version_positive" CHECK("publication"."version" > 0)
) STRICT;
--> statement-breakpoint
CREATE TABLE `session` (
	`hash` text PRIMARY KEY NOT NULL,
	`guardian` integer NOT NULL,
	`id_token` text NOT NULL,
	`created_at` integer NOT NULL,
	`seen_at` integer NOT NULL,
	`ended_at` integer,
	`draft` text,
	FOREIGN KEY (`guardian`) REFERENCES `guardian`(`id`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `session_of_guardian` ON `session` (`guardian`);--> statement-breakpoint
CREATE TABLE `support_case` (
	`id` text PRIMARY KEY NOT NULL,
	`guardian` integer NOT NULL,
	`account` integer,
	`subject` text NOT NULL,
	`phone` text,
	`call_wanted` integer NOT NULL,
	`created_at` integer NOT NULL,
	`closed_at` integer,
	FOREIGN KEY (`guardian`) REFERENCES `guardian`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`account`) REFERENCES `account`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "support_case_call_wanted" CHECK("support_case"."call_wanted" in (0, 1)),
	CONSTRAINT "support_case_call_needs_phone" CHECK("support_case"."call_wanted" = 0 or "support_case"."phone" is not null)
) STRICT;
--> statement-breakpoint
CREATE INDEX `support_case_of_guardian` ON `support_case` (`guardian`);--> statement-breakpoint
CREATE TABLE `viewing` (
	`child` integer NOT NULL,
	`day` text NOT NULL,
	`viewer_kind` text NOT NULL,
	`viewer` integer NOT NULL,
	`first_at` integer NOT NULL,
	`last_at` integer NOT NULL,
	PRIMARY KEY(`child`, `day`, `viewer_kind`, `viewer`),
	FOREIGN KEY (`child`) REFERENCES `child`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "viewing_viewer_kind" CHECK("viewing"."viewer_kind" in ('guardian', 'staff'))
) STRICT;
--> statement-breakpoint
ALTER TABLE `audit` ADD `guardian` integer REFERENCES guardian(id);--> statement-breakpoint
CREATE INDEX `audit_of_guardian` ON `audit` (`guardian`);--> statement-breakpoint
CREATE INDEX `audit_of_subject` ON `audit` (`subject`);--> statement-breakpoint
ALTER TABLE `municipality` ADD `support_phone` text;--> statement-breakpoint
ALTER TABLE `municipality` ADD `support_mail` text;--> statement-breakpoint
ALTER TABLE `municipality` ADD `support_hours_da` text;--> statement-breakpoint
ALTER TABLE `municipality` ADD `support_hours_en` text;--> statement-breakpoint
ALTER TABLE `municipality` ADD `mail_from` text;--> statement-breakpoint
ALTER TABLE `product` ADD `category` text DEFAULT 'other' NOT NULL;