CREATE TABLE `card_token` (
	`card` integer NOT NULL,
	`counter` integer NOT NULL,
	`value` text NOT NULL,
	`terminal` text NOT NULL,
	`seq` integer NOT NULL,
	`issued_at` integer NOT NULL,
	`shown_at` integer,
	`dropped_at` integer,
	PRIMARY KEY(`card`, `counter`, `value`),
	FOREIGN KEY (`card`) REFERENCES `card`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`terminal`) REFERENCES `terminal`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "card_token_counter_positive" CHECK("card_token"."counter" > 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `card_token_of_message` ON `card_token` (`terminal`,`seq`);--> statement-breakpoint
CREATE TABLE `quarantine` (
	`terminal` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`jws` text NOT NULL,
	`cause` text NOT NULL,
	`kind` text NOT NULL,
	`sale` text NOT NULL,
	`card` text NOT NULL,
	`amount` integer NOT NULL,
	`lines` text NOT NULL,
	`at` integer NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`terminal`, `seq`, `hash`),
	FOREIGN KEY (`terminal`) REFERENCES `terminal`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "quarantine_cause" CHECK("quarantine"."cause" in ('revoked', 'stopped', 'key_replaced')),
	CONSTRAINT "quarantine_kind" CHECK("quarantine"."kind" in ('request', 'advice', 'reversal')),
	CONSTRAINT "quarantine_amount_positive" CHECK("quarantine"."amount" > 0)
) STRICT;
--> statement-breakpoint
CREATE TABLE `review` (
	`id` integer PRIMARY KEY NOT NULL,
	`subject` text NOT NULL,
	`decision` text NOT NULL,
	`terminal` text NOT NULL,
	`seq` integer NOT NULL,
	`alarm` integer,
	`account` integer,
	`staff` integer NOT NULL,
	`note` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`terminal`) REFERENCES `terminal`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`alarm`) REFERENCES `alarm`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`account`) REFERENCES `account`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`staff`) REFERENCES `staff_token`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "review_decision" CHECK("review"."decision" in ('keep', 'carry', 'charge', 'book', 'discard', 'note')),
	CONSTRAINT "review_charge_has_account" CHECK(("review"."decision" = 'charge') = ("review"."account" is not null))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `review_subject_unique` ON `review` (`subject`);--> statement-breakpoint
CREATE TABLE `terminal_key` (
	`public_key` text PRIMARY KEY NOT NULL,
	`terminal` text NOT NULL,
	`replaced_at` integer NOT NULL,
	FOREIGN KEY (`terminal`) REFERENCES `terminal`(`id`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `terminal_key_of_terminal` ON `terminal_key` (`terminal`);--> statement-breakpoint
ALTER TABLE `alarm` ADD `card` integer REFERENCES card(id);--> statement-breakpoint
ALTER TABLE `card` ADD `token_missing` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `municipality` ADD `weak_sale_max` integer DEFAULT 2500 NOT NULL;--> statement-breakpoint
ALTER TABLE `municipality` ADD `weak_card_sum_max` integer DEFAULT 5000 NOT NULL;--> statement-breakpoint
ALTER TABLE `municipality` ADD `token_types` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `municipality` ADD `display_language` text DEFAULT 'da' NOT NULL;--> statement-breakpoint
ALTER TABLE `site` ADD `offline_sale_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `offline_card_sum_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `offline_unsent_count_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `offline_unsent_sum_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `offline_list_age_max_ms` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `weak_sale_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `weak_card_sum_max` integer;--> statement-breakpoint
ALTER TABLE `site` ADD `display_language` text;--> statement-breakpoint
ALTER TABLE `terminal` ADD `stopped_at` integer;--> statement-breakpoint
ALTER TABLE `terminal` ADD `listed_at` integer;--> statement-breakpoint
ALTER TABLE `terminal` ADD `software` text;--> statement-breakpoint
ALTER TABLE `terminal` ADD `branch_of` text;--> statement-breakpoint
CREATE INDEX `message_flagged` ON `message` (`received_at`) WHERE "message"."kind" = 'advice' and "message"."outcome" = 'approved' and "message"."reason" is not null;
--> statement-breakpoint
CREATE TRIGGER `review_no_update` BEFORE UPDATE ON `review` BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER `review_no_delete` BEFORE DELETE ON `review` BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER `quarantine_no_update` BEFORE UPDATE ON `quarantine` BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER `quarantine_no_delete` BEFORE DELETE ON `quarantine` BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
