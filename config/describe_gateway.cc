// What the gateway as a whole is told: its disk, its engine, its clock.
#include "config/describe_values.h"

namespace wayside {
namespace {

constexpr std::array<Choice, 3> kProfiles{
    {{"gentle", static_cast<int>(StorageProfile::kGentle)},
     {"balanced", static_cast<int>(StorageProfile::kBalanced)},
     {"strict", static_cast<int>(StorageProfile::kStrict)}}};
constexpr std::array<Choice, 2> kTrusts{
    {{"synchronised", static_cast<int>(ClockTrust::kSynchronised)},
     {"system", static_cast<int>(ClockTrust::kSystem)}}};

}  // namespace

void describe(ConfigVisitor& v, StorageOptions& o) {
  StorageProfile profile = o.profile;
  choose(v, {"profile", "gentle, balanced or strict: gives commit_age and checkpoint_interval"},
         profile, kProfiles);
  if (profile != o.profile) o.use(profile);
  v.bytes({"file_bytes", "one journal file; it is filled with zeros once and then recycled"},
          o.file_bytes, 1 << 20);
  v.bytes({"max_bytes", "journal and store; then raw readings go first, then results, then alarms"},
          o.max_bytes, 4 << 20);
  v.bytes({"min_free", "stays free on their file system, by the same means"}, o.min_free, 0);
  v.duration({"tell_interval", "losses by these limits are told at most so often"},
             o.tell_interval_ms, 1'000);
  v.duration({"commit_age", "the longest a reading waits for its commit, where those are quick"},
             o.commit_age_ms, 0);
  v.bytes({"commit_bytes", "payloads after which a commit does not wait"}, o.commit_bytes, 4096);
  whole(v, {"commit_readings", "readings after which a commit does not wait"}, o.commit_readings, 1,
        1'000'000);
  v.duration({"retry", "pause after a failure of the disk"}, o.retry_ms, 1);
  v.duration(
      {"scrub", "each journal entry is read and checked in so much running time; \"0s\": never"},
      o.scrub_ms, 0);
  v.duration(
      {"anchor",
       "the journal's head goes to the uplinks this often, if something came; \"0s\": never"},
      o.anchor_ms, 0);
  v.bytes(
      {"snapshot_bytes",
       "of copies of the state beside the journal, so that its past can be gone through once its "
       "beginning is recycled; 0: none"},
      o.snapshot_bytes, 0);
  v.duration({"thin_to",
              "of readings that have to go before they are forwarded, one of a device in so much "
              "time stays; \"0s\": none"},
             o.thin_to_ms, 0);
  v.bytes({"thin_bytes", "for what stays of them, beside max_bytes; then the oldest of it goes"},
          o.thin_bytes, 64 << 10);
  whole(v,
        {"damaged_files", "so many damaged files are kept aside, of the journal and of the store"},
        o.damaged_files, 1, 1'000);
  v.duration({"checkpoint_interval", "state is saved this often"}, o.checkpoint_interval_ms, 100);
  v.bytes({"checkpoint_bytes", "and after so much journal, which a restart has to replay"},
          o.checkpoint_bytes, 64 << 10);
  v.bytes({"wal_bytes", "of SQLite's log, after which it goes into the database"}, o.wal_bytes,
          64 << 10);
  whole(v, {"quarantine_rows", "messages that became no reading are kept, the last so many"},
        o.quarantine_rows, 0, 10'000'000);
  v.bytes({"quarantine_payload", "of each of their payloads so much"}, o.quarantine_payload, 0);
  v.bytes({"endurance", "what the card can be written in its life, \"30TB\" say; 0B: not known"},
          o.endurance, 0);
}

void describe(ConfigVisitor& v, EngineOptions& o) {
  v.duration({"learn", "blocks that are new or changed learn from this much of the journal"},
             o.learn_ms, 0);
  whole(v, {"command_rows", "the last so many decisions about commands are kept in a table"},
        o.command_rows, 1, 100'000'000);
  v.duration({"tick", "idle and forgotten keys are noticed on this grid"}, o.tick_ms, 1);
}

void describe(ConfigVisitor& v, ClockOptions& o) {
  choose(v,
         {"trust",
          "\"synchronised\": the system clock, once the kernel says so; or \"system\": always, for "
          "boards whose clock is set without the kernel being told"},
         o.trust, kTrusts);
  v.duration({"step_limit", "when the two differ by more, ours is set"}, o.step_limit_ms, 10);
  v.duration({"max_away", "longest believable time without power, while nothing is synchronised"},
             o.max_away_ms, 0);
}

}  // namespace wayside
