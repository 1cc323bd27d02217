#include "firmware-gw/events_table.h"

#include <algorithm>

#include "storage/history_table.h"
#include "uplink/message.h"

namespace wayside {

const std::vector<SqlColumn>& events_columns() {
  static const std::vector<SqlColumn> columns{
      {"id", "TEXT"},   {"type", "TEXT"}, {"block", "TEXT"},    {"key", "TEXT"},  {"time", "INT"},
      {"lane", "TEXT"}, {"entry", "INT"}, {"committed", "INT"}, {"event", "TEXT"}};
  return columns;
}

class EventsTable::Scan : public SqlScan {
 public:
  explicit Scan(std::unique_ptr<JournalReplay> replay) : replay_(std::move(replay)) {}

  Result<bool> next() override {
    for (++at_; at_ >= said().size(); at_ = 0) {
      WS_ASSIGN(const bool there, replay_->next());
      if (!there) return false;
    }
    return true;
  }

  void column(size_t column, SqlCell& cell) const override {
    const Emission& e = said()[at_];
    switch (column) {
      case kId:
        return cell.set(replay_->id_of(e));
      case kType:
        return cell.set(e.type);
      case kBlock:
        return cell.set(e.block);
      case kKey:
        return cell.set(e.key);
      case kTime:
        return cell.set(e.time_ms);
      case kLane:
        return cell.set(e.lane == Lane::kAlarm ? "alarm" : "result");
      case kEntry:
        return cell.set(static_cast<int64_t>(replay_->entry()));
      case kCommitted:
        return cell.set(replay_->committed_ms());
      default:
        break;
    }
    std::string json;
    append_json(e, replay_->id_of(e), Envelope::kInside, json);
    cell.set(json);
  }

 private:
  std::span<const Emission> said() const { return replay_->engine().emissions().pending(); }

  std::unique_ptr<JournalReplay> replay_;
  size_t at_ = 0;
};

namespace {

bool bounds_above(SqlBound::Compare compare) {
  return compare == SqlBound::Compare::kEqual || compare == SqlBound::Compare::kLess ||
         compare == SqlBound::Compare::kAtMost;
}

}  // namespace

double EventsTable::share_with(size_t column, SqlBound::Compare compare) const {
  if (column == kTime) return 0.9;  // whether it is one
  return column == kEntry && bounds_above(compare) ? 0.5 : 1;
}

Result<std::unique_ptr<SqlScan>> EventsTable::scan(const std::vector<SqlBound>& bounds,
                                                   const std::function<bool()>& expired) {
  Moment until;
  until.entry = last_entry_;
  for (const SqlBound& bound : bounds) {
    if (const auto* text = std::get_if<std::string>(&bound.value); text && bound.column == kTime) {
      return time_is_no_text(*text);
    }
    const auto* entry = std::get_if<int64_t>(&bound.value);
    if (entry && bound.column == kEntry)
      until.entry = std::min(until.entry, static_cast<uint64_t>(std::max<int64_t>(*entry, 0)));
  }
  if (!past_) {
    WS_ASSIGN(past_, JournalReplay::look_at(state_dir_, last_entry_, expired));
  }
  WS_ASSIGN(auto replay, JournalReplay::open(config_, state_dir_, *past_, until, expired));
  return std::unique_ptr<SqlScan>(new Scan(std::move(replay)));
}

Result<std::unique_ptr<SqlScan>> EventsElsewhere::scan(const std::vector<SqlBound>&,
                                                       const std::function<bool()>&) {
  return Error{ErrorCode::kUsage,
               "events are made by a replay of the journal, for which the running gateway has no "
               "memory to spare; ask for them with `wayside sql`"};
}

}  // namespace wayside
