#include "config/check_windows.h"

#include <algorithm>

#include "config/check_names.h"

namespace wayside {
namespace {

// A reading costs as much as the windows that it is in, where they cannot share what they hold.
constexpr int64_t kOverlapMax = 10'000;
constexpr int64_t kSharedMax = 100'000;  // so many results a reading may close
constexpr int64_t kEarlyMax = 10'000;    // so many results a key may have before its windows end

class WindowChecker {
 public:
  WindowChecker(Findings& found, std::set<std::string>& not_judged)
      : found_(found), not_judged_(not_judged) {}

  void check(const WindowOptions& w) {
    check_from(w);
    check_kind(w);
    check_results(w);
    check_early(w);
    check_last(w);
    check_retract(w);
    for (const auto& [alias, expression] : w.select) check_alias(w, alias);
    if (found_.told(w.name, "select")) not_judged_.insert(w.name);
    if (w.select.empty()) found_.add(w.name, "select", "is empty");
    found_.uplinks_known(w.name, "to", w.to);
    found_.uplinks_known(w.name, "late_to", w.late_to);
  }

 private:
  void check_from(const WindowOptions& w) {
    found_.streams_known(w.name, "from", w.from);
    std::set<std::string> streams;
    for (const std::string& from : w.from) {
      if (streams.insert(from).second) continue;
      fail(w, "from", "names '" + from + "' twice, whose readings would count twice");
    }
    if (w.from.empty()) fail(w, "from", "is empty");
  }

  // One of these says what its windows are; each of the others needs one of them.
  void check_kind(const WindowOptions& w) {
    const bool time = w.size_ms > 0, session = w.gap_ms > 0, count = w.count > 0;
    const bool calendar = w.calendar != CalendarUnit::kNone;
    const int kinds = time + session + count + calendar + w.global;
    const char* kOne = "one of size, gap, count, calendar and global says what its windows are";
    const char* first = time ? "size" : session ? "gap" : count ? "count" : "calendar";
    if (kinds == 0) found_.add(w.name, "size", std::string("is missing: ") + kOne);
    if (kinds > 1) found_.add(w.name, first, std::string("is too much: ") + kOne);
    needs(w, w.every_ms > 0, "every", time, "size");
    needs(w, w.offset_ms > 0, "offset", time, "size");
    needs(w, w.every_count > 0, "every_count", count, "count");
    needs(w, w.zone != WindowOptions().zone, "zone", calendar, "calendar");
    needs(w, w.allowed_lateness_ms > 0, "allowed_lateness", !count && !w.global,
          "windows that end");
    if (kinds != 1) not_judged_.insert(w.name);
  }

  void check_results(const WindowOptions& w) {
    const bool count = w.count > 0;
    if (w.early_ms > 0 && (count || w.global)) {
      found_.add(w.name, "early_every",
                 count ? "goes with windows that end by time; see every_count"
                       : "goes with windows that end by time; see early_count");
    }
    if (w.early_count > 0 && count) {
      found_.add(w.name, "early_count", "goes with windows by time only; see every_count");
    }
    if (!w.at_end && count) {
      found_.add(w.name, "at_end", "leaves no result at all: windows by count speak at their end");
    } else if (!w.at_end && w.early_ms == 0 && w.early_count == 0) {
      found_.add(w.name, "at_end",
                 w.global ? "leaves no result at all; set early_count"
                          : "leaves no result at all; set early_every or early_count");
    }
    const bool shares =
        !w.keeps_last() && w.at_end && w.early_ms == 0 && w.early_count == 0 && !w.purge;
    const int64_t overlap = w.every_ms > 0 ? w.size_ms / w.every_ms : 0;
    if (overlap > (shares ? kSharedMax : kOverlapMax)) {
      found_.add(w.name, "every",
                 "puts each reading into " + std::to_string(overlap) + " windows; " +
                     (shares ? "" : "with purge, last or results before the end ") +
                     std::to_string(shares ? kSharedMax : kOverlapMax) + " is the limit");
    }
  }

  // A reading behind a silence brings all that fell into it.
  void check_early(const WindowOptions& w) {
    if (w.early_ms == 0) return;
    const int64_t units[] = {0, kDayMs, 7 * kDayMs, 31 * kDayMs};
    const int64_t length = w.gap_ms > 0    ? w.gap_ms
                           : w.size_ms > 0 ? w.size_ms
                                           : units[static_cast<size_t>(w.calendar)];
    const int64_t overlap =
        w.every_ms > 0 ? std::max<int64_t>((w.size_ms + w.every_ms - 1) / w.every_ms, 1) : 1;
    const int64_t results = length / w.early_ms * overlap;
    if (results <= kEarlyMax) return;
    const int64_t least = (length * overlap + kEarlyMax - 1) / kEarlyMax;
    found_.add(w.name, "early_every",
               "is too short: a silence of the key may end with " + std::to_string(results) +
                   " results at once, and " + std::to_string(kEarlyMax) +
                   " are the limit; make it at least " + std::to_string(least) + "ms");
  }

  void check_last(const WindowOptions& w) {
    if (w.max_last != WindowOptions().max_last && w.last_ms == 0) {
      found_.add(w.name, "max_last", "goes with a period as last only, as in last = \"10s\"");
    }
    if (w.count > 0 && w.last_count >= w.count) {
      found_.add(w.name, "last",
                 "leaves nothing out: a window has " + std::to_string(w.count) +
                     " readings; make it smaller than count");
    }
    if (w.size_ms > 0 && w.last_ms >= w.size_ms) {
      found_.add(w.name, "last",
                 "leaves nothing out: a window is no longer; make it shorter than size");
    }
  }

  void check_retract(const WindowOptions& w) {
    if (!w.retract) return;
    if (w.count > 0) {
      found_.add(w.name, "retract", "has nothing to take back: windows by count are told once");
    }
    if (w.purge) {
      found_.add(w.name, "retract",
                 "has nothing to take back: with purge each result is of other readings; leave "
                 "one of the two out");
    }
  }

  void needs(const WindowOptions& w, bool given, const char* key, bool there, const char* what) {
    if (given && !there) found_.add(w.name, key, std::string("goes with ") + what + " only");
  }

  void check_alias(const WindowOptions& w, const std::string& alias) {
    const std::string item = "select." + alias;
    static const std::set<std::string> kTaken{"window_start", "window_end", "revision", "final"};
    if (kTaken.contains(alias)) {
      fail(w, item, "each result has a '" + alias + "' of its own; choose another name");
    }
    if (w.retract && alias == "retracted") {
      fail(w, item, "with retract each result has a 'retracted' of its own; choose another name");
    }
    if (const auto wrong = taken_name(alias); !wrong.empty()) found_.add(w.name, item, wrong);
    if (const auto wrong = wrong_sql_name(alias); !wrong.empty()) fail(w, item, wrong);
    if (found_.told(w.name, item)) not_judged_.insert(w.name);
  }

  void fail(const WindowOptions& w, const std::string& item, const std::string& message) {
    found_.add(w.name, item, message);
    not_judged_.insert(w.name);
  }

  Findings& found_;
  std::set<std::string>& not_judged_;
};

}  // namespace

void check_windows(const Config& config, Findings& found, std::set<std::string>& not_judged) {
  WindowChecker checker(found, not_judged);
  for (const WindowOptions& w : config.windows) checker.check(w);
}

}  // namespace wayside
