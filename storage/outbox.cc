// The outbox: what was said and has to be delivered, for the loop and for the uplinks.
#include <algorithm>

#include "pipeline/emission_codec.h"
#include "storage/store_rows.h"

namespace wayside {

Status Store::insert_emissions(std::span<const Emission> emissions, const Reached& said) {
  if (emissions.empty() || emissions.back().sequence <= outbox_sequence_) return {};
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR IGNORE INTO outbox VALUES(?, ?, ?, ?, ?)"));
  std::string message;
  for (const Emission& e : emissions) {
    if (e.sequence <= outbox_sequence_) continue;
    message.clear();
    encode_emission(e, message);
    put.bind(1, static_cast<int64_t>(e.lane));
    put.bind(2, as_i64(e.sequence));
    put.bind(3, static_cast<int64_t>(e.targets));
    put.bind_blob(4, message);
    put.bind(5, row_crc({message}, {static_cast<uint64_t>(e.lane), e.sequence, e.targets}));
    WS_TRY(put.run());
  }
  std::string position;
  ByteWriter out(position);
  write_reached(said, out);
  return set_meta("outbox", position);
}

Status Store::take_over(Lane lane, const std::vector<OutboxRow>& rows) {
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO outbox VALUES(?, ?, ?, ?, ?)"));
  WS_TRY(db_->begin());
  Status written;
  for (size_t i = 0; written.ok() && i < rows.size(); ++i) {
    const auto& [sequence, targets, message] = rows[i];
    put.bind(1, static_cast<int64_t>(lane));
    put.bind(2, as_i64(sequence));
    put.bind(3, static_cast<int64_t>(targets));
    put.bind_blob(4, message);
    put.bind(5, row_crc({message}, {static_cast<uint64_t>(lane), sequence, targets}));
    written = put.run();
  }
  if (written.ok()) written = db_->exec("COMMIT");
  if (!written.ok()) (void)db_->exec("ROLLBACK").ok();
  return written;
}

Status Store::trim_outbox(const std::vector<std::string>& uplinks,
                          const std::map<std::string, Mark>& marks) {
  for (size_t lane = 0; lane < 2; ++lane) {
    auto upto = [&](const std::string& uplink) {
      auto mark = marks.find(uplink);
      if (mark == marks.end()) return uint64_t{0};
      return lane == 0 ? mark->second.delivered_upto[0] : mark->second.results_upto();
    };
    // Rows of which `column` is what an uplink has not come to.
    const auto wanted = [&](const char* column) {
      std::string any;
      for (size_t bit = 0; bit < uplinks.size(); ++bit) {
        if (uplinks[bit].empty()) continue;
        any += (any.empty() ? "(targets >> " : " OR (targets >> ") + std::to_string(bit) +
               " & 1 AND " + column + " > " + std::to_string(upto(uplinks[bit])) + ")";
      }
      return any;
    };
    if (wanted("last").empty()) continue;
    WS_ASSIGN(Statement close,
              db_->prepare("DELETE FROM gaps WHERE lane = ? AND NOT (" + wanted("last") + ")"));
    close.bind(1, static_cast<int64_t>(lane));
    WS_TRY(close.run());
    WS_ASSIGN(Statement drop, db_->prepare("DELETE FROM outbox WHERE lane = ? AND sequence > ? AND "
                                           "sequence <= ? AND NOT (" +
                                           wanted("sequence") + ")"));
    for (const std::string& uplink : uplinks) {
      // Only what the uplink has passed since the last time can have become free: an uplink that is
      // far behind must not make this slow.
      uint64_t& trimmed = trimmed_[lane][uplink];
      if (uplink.empty() || upto(uplink) <= trimmed) continue;
      drop.bind(1, static_cast<int64_t>(lane));
      drop.bind(2, as_i64(trimmed));
      drop.bind(3, as_i64(upto(uplink)));
      WS_TRY(drop.run());
      trimmed = upto(uplink);
    }
  }
  return {};
}

Result<uint64_t> Store::pending(uint32_t bit, const Mark& mark) {
  WS_ASSIGN(Statement select,
            db_->prepare("SELECT count(*) FROM outbox WHERE lane = ? AND sequence > ? AND "
                         "sequence <= ? AND targets >> ? & 1"));
  const auto count = [&](Lane lane, uint64_t after, uint64_t upto) -> Result<uint64_t> {
    select.bind(1, static_cast<int64_t>(lane));
    select.bind(2, as_i64(after));
    select.bind(3, as_i64(std::min<uint64_t>(upto, INT64_MAX)));
    select.bind(4, static_cast<int64_t>(bit));
    WS_ASSIGN(const bool row, select.step());
    const uint64_t n = row ? as_u64(select.column_int(0)) : 0;
    select.reset();
    WS_ASSIGN(const OutboxReader::Gap gap, OutboxReader::gap_in(*db_, lane, after, upto, bit));
    return n + gap.dropped;
  };
  WS_ASSIGN(uint64_t all, count(Lane::kAlarm, mark.delivered_upto[0], UINT64_MAX));
  WS_ASSIGN(const uint64_t results, count(Lane::kResult, mark.delivered_upto[1], UINT64_MAX));
  all += results;
  for (const BacklogPart& part : mark.backlog) {
    WS_ASSIGN(const uint64_t waiting, count(Lane::kResult, part.result_upto, part.result_end));
    all += waiting;
  }
  return all;
}

Result<std::unique_ptr<OutboxReader>> OutboxReader::open(Disk& disk, const std::string& dir) {
  WS_ASSIGN(auto db, Database::open(db_path(dir), Database::Mode::kReadOnly, disk.sqlite_vfs()));
  WS_TRY(db->exec("PRAGMA cache_size = -256"));
  WS_ASSIGN(Statement select,
            db->prepare("SELECT sequence, targets, message, ifnull(crc, -1) FROM outbox "
                        "WHERE lane = ? AND sequence > ? AND sequence <= ? ORDER BY sequence"));
  return std::unique_ptr<OutboxReader>(new OutboxReader(std::move(db), std::move(select)));
}

Result<std::vector<OutboxReader::Row>> OutboxReader::next_for(uint32_t wanted, Lane lane,
                                                              uint64_t after, uint64_t upto,
                                                              size_t limit) {
  select_.bind(1, static_cast<int64_t>(lane));
  select_.bind(2, as_i64(after));
  select_.bind(3, as_i64(std::min<uint64_t>(upto, INT64_MAX)));
  std::vector<Row> rows;
  Result<bool> more = true;
  bool sound = true;
  while (sound && rows.size() < limit && (more = select_.step()).ok() && *more) {
    const uint64_t sequence = as_u64(select_.column_int(0));
    const uint64_t targets = as_u64(select_.column_int(1));
    const std::string_view message = select_.column_text(2);
    // Those of others are checked, too: a damaged row does not know for whom it is.
    sound = is_sound(select_.column_int(3),
                     row_crc({message}, {static_cast<uint64_t>(lane), sequence, targets}));
    if (targets & wanted) {
      rows.push_back({sequence, static_cast<uint32_t>(targets), std::string(message)});
    }
  }
  select_.reset();  // ends the read transaction
  if (!more.ok()) return more.error();
  if (!sound) return damaged_row("outbox");
  return rows;
}

Result<std::vector<Epoch>> OutboxReader::epochs() { return read_epochs(*db_); }

}  // namespace wayside
