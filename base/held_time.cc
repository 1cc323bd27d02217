#include "base/held_time.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace wayside {

int64_t build_date_ms() { return int64_t{WAYSIDE_BUILD_DATE} * 1000; }

namespace {

// What save() wrote.
struct Saved {
  bool same_boot = false;
  int64_t timer_offset_ms = 0;
  bool sure = false;
};

Saved parse(std::string_view text, std::string_view boot) {
  Saved saved;
  if (boot.empty() || !text.starts_with(boot) || !text.substr(boot.size()).starts_with(' ')) {
    return saved;
  }
  text.remove_prefix(boot.size() + 1);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), saved.timer_offset_ms);
  saved.same_boot = error == std::errc();
  saved.sure = std::string_view(end, text.data() + text.size()) == " sure";
  return saved;
}

}  // namespace

HeldTime::HeldTime(const ClockOptions& options, std::string boot, std::string_view saved,
                   const Now& last, const ClockReading& first)
    : options_(options), boot_(std::move(boot)) {
  const bool known = last.timer_ms != 0;
  const Saved before = parse(saved, boot_);
  // What the journal has is later than what was saved; by how much can only be little.
  const int64_t timer_ms = saturating_add(first.boot_ms, before.timer_offset_ms);
  const bool same_boot = before.same_boot && timer_ms >= last.timer_ms &&
                         timer_ms <= saturating_add(last.timer_ms, kLongestLifeMs);
  timer_offset_ms_ = before.timer_offset_ms;
  sure_ = same_boot && before.sure;
  const int64_t wall_ms = start_time(same_boot, last, first);
  wall_offset_ms_ = wall_ms - first.boot_ms;
  if (same_boot) return;
  // Timers were off as long as we were, if that is known.
  int64_t away_ms = wall_ms - last.wall_ms;
  if (last.clock == ClockState::kUnset || away_ms < 0 || away_ms > options_.max_away_ms) {
    away_ms = 0;
  }
  timer_offset_ms_ = (known ? last.timer_ms + away_ms : wall_ms) - first.boot_ms;
}

// Where our time goes on: from the last one we know, or with the system clock where nothing speaks
// against it.
int64_t HeldTime::start_time(bool same_boot, const Now& last, const ClockReading& first) {
  const bool known = last.timer_ms != 0;
  const bool unset = !known || last.clock == ClockState::kUnset;
  int64_t wall_ms = options_.build_ms;
  if (same_boot) {
    wall_ms = last.wall_ms + (first.boot_ms + timer_offset_ms_ - last.timer_ms);
  } else if (known) {
    wall_ms = last.wall_ms;
  }
  wall_ms = std::max(wall_ms, options_.build_ms);
  state_ = unset ? ClockState::kUnset : ClockState::kHeld;
  if (same_boot && !unset) return wall_ms;
  const int64_t latest_ms =
      unset ? options_.build_ms + kLongestLifeMs : saturating_add(wall_ms, options_.max_away_ms);
  if (first.system_ms < wall_ms || first.system_ms > latest_ms) return wall_ms;
  state_ = ClockState::kHeld;
  sure_ = first.has_battery;
  return first.system_ms;
}

Now HeldTime::at(const ClockReading& reading) {
  const bool believed = reading.synchronised || options_.trust == ClockTrust::kSystem;
  int64_t wall_ms = reading.boot_ms + wall_offset_ms_;
  if (believed && reading.system_ms >= options_.build_ms) {
    const int64_t step_ms = reading.system_ms - wall_ms;
    if (std::abs(step_ms) > options_.step_limit_ms) {
      wall_ms += step_ms;
      wall_offset_ms_ += step_ms;
    }
    state_ = ClockState::kSynced;
    sure_ = true;
  } else if (state_ == ClockState::kSynced) {
    state_ = ClockState::kHeld;
  }
  Now now{wall_ms, reading.boot_ms + timer_offset_ms_, state_};
  if (!sure_) {
    now.may_lag_ms = state_ == ClockState::kUnset ? kLongestLifeMs : options_.max_away_ms;
  }
  now.boot_ms = reading.boot_ms;
  return now;
}

std::string HeldTime::save() const {
  return boot_ + ' ' + std::to_string(timer_offset_ms_) + (sure_ ? " sure" : "");
}

}  // namespace wayside
