#include "config/know_devices.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/csv.h"
#include "base/features.h"
#include "base/text.h"
#include "config/check_devices.h"

namespace wayside {
namespace {

constexpr size_t kErrorsMax = 20;  // of a file: one that is wrong throughout is told as such
constexpr size_t kColumnsMax = 64;
constexpr uint64_t kHeadBytes = 64 << 10;
constexpr uint64_t kDeviceBytes = 1 << 10;  // of a line, on the average

struct CsvColumn {
  enum class Kind { kId, kBlocked, kScale, kOffset, kAttribute };
  Kind kind = Kind::kAttribute;
  std::string title;  // as it stands in the file
  std::string name;   // of the field or attribute
};

// The last dot, since fields have none.
CsvColumn column_of(const std::string& title) {
  using Kind = CsvColumn::Kind;
  if (title == "id") return {Kind::kId, title, ""};
  if (title == "blocked") return {Kind::kBlocked, title, ""};
  const size_t dot = std::min(title.rfind('.'), title.size());
  const std::string what = title.substr(dot);
  if (what == ".scale") return {Kind::kScale, title, title.substr(0, dot)};
  if (what == ".offset") return {Kind::kOffset, title, title.substr(0, dot)};
  return {Kind::kAttribute, title, title};
}

std::optional<double> number_of(std::string_view cell) {
  double number = 0;
  const char* end = cell.data() + cell.size();
  const auto [rest, error] = std::from_chars(cell.data(), end, number);
  if (error != std::errc() || rest != end) return {};
  return number;
}

// A column of flags as people and spreadsheets write it.
std::optional<bool> flag_of(std::string_view cell) {
  if (cell.empty() || same_name(cell, "false")) return false;
  if (same_name(cell, "true")) return true;
  return {};
}

Calibration& calibration_of(DeviceOptions& device, const std::string& field) {
  for (auto& [name, calibration] : device.calibrate) {
    if (name == field) return calibration;
  }
  return device.calibrate.emplace_back(field, Calibration()).second;
}

class DeviceReader {
 public:
  DeviceReader(const Config& config, const std::string& config_file,
               std::vector<ConfigError>& errors)
      : config_(config), config_file_(config_file), errors_(errors), before_(errors.size()) {
    for (const SourceOptions& s : config.sources) {
      wanted_.insert(s.attributes.begin(), s.attributes.end());
    }
  }

  // Null: there were errors.
  std::shared_ptr<const Registry> read() {
    read_blocks();
    if (!config_.registry.file.empty()) read_file();
    if (errors_.size() > before_) return nullptr;
    return std::make_shared<const Registry>(std::move(registry_));
  }

 private:
  uint32_t most() const { return config_.registry.max_devices; }
  std::string too_many() const {
    return "there are more devices than max_devices = " + std::to_string(most()) +
           " of [registry]: raise that, or take some out";
  }

  void read_blocks() {
    std::set<std::string> twice;
    for (const DeviceOptions& device : config_.devices) {
      if (!registry_.add(device, wanted_)) twice.insert(device.id);
    }
    for (const std::string& id : twice) {
      fail_in_config(position_key("device", id) + ".id",
                     "'id': device '" + id + "' has another [[device]]; leave one of them");
    }
    if (registry_.size() > most()) {
      const std::string& last = config_.devices.back().id;
      fail_in_config(position_key("device", last) + ".id", "'id': " + too_many());
    }
    blocks_ = registry_.size();
  }

  void read_file() {
    const auto text = contents();
    if (!text) return;
    CsvReader csv(*text, ',', CsvReader::Blanks::kDropped);
    std::vector<std::string_view> cells;
    const bool is_there = csv.next(cells);
    if (!is_there) {
      return fail(0, "is empty; its first line names the columns, as id,blocked,trailer");
    }
    if (csv.unfinished()) return fail(csv.line(), "a quote is not closed");
    if (!take_head(cells)) return;
    while (csv.next(cells)) {
      if (csv.unfinished()) return fail(csv.line(), "a quote is not closed");
      if (registry_.size() >= most()) return fail(csv.line(), too_many());
      take_row(cells, csv.line());
      if (errors_.size() - before_ < kErrorsMax) continue;
      return fail(csv.line(), "what is wrong behind this line is not told");
    }
  }

  // Nothing: it is told why.
  std::optional<std::string> contents() {
    const std::string& path = config_.registry.file;
    const auto refuse = [&](const std::string& why) -> std::optional<std::string> {
      fail_in_config("registry.file", "'file': " + path + " " + why);
      return std::nullopt;
    };
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      return refuse(error ? "cannot be read: " + error.message() : "is not a regular file");
    }
    const uint64_t room = kHeadBytes + kDeviceBytes * most();
    std::ifstream in(path, std::ios::binary);
    std::string text;
    for (char piece[4096]; in && text.size() <= room;) {
      in.read(piece, sizeof piece);
      text.append(piece, static_cast<size_t>(in.gcount()));
    }
    if (text.size() > room) {
      return refuse("has more than " + format_bytes(room) +
                    ", 1 KiB for each of max_devices: raise that, or take columns out");
    }
    if (!in.eof()) return refuse("cannot be read");
    return text;
  }

  bool take_head(const std::vector<std::string_view>& cells) {
    if (cells.size() > kColumnsMax) {
      fail(1, "has more than " + std::to_string(kColumnsMax) + " columns; take some out");
      return false;
    }
    std::set<std::string> seen;
    for (const std::string_view cell : cells) {
      const CsvColumn& column = columns_.emplace_back(column_of(std::string(cell)));
      const std::string title = "column '" + shortened(column.title) + "'";
      if (column.title.empty()) {
        fail(1, "column " + std::to_string(columns_.size()) +
                    " has no name; give it one, or take it out");
      } else if (!seen.insert(column.title).second) {
        fail(1, title + " stands there twice; take one out");
      } else if (!is_valid_utf8(column.title)) {
        fail(1, title + " is not UTF-8; save the file as UTF-8");
      } else if (column.kind == CsvColumn::Kind::kScale ||
                 column.kind == CsvColumn::Kind::kOffset) {
        if (before_ > 0) continue;  // the fields may be wrong
        const std::string wrong = wrong_calibrated(config_, column.name);
        if (!wrong.empty()) fail(1, title + ": " + wrong);
      } else if (column.title.find('.') != std::string::npos) {
        fail(1, title + ": only FIELD.scale and FIELD.offset have a dot; give it another name");
      } else if (column.kind == CsvColumn::Kind::kAttribute) {
        take_attribute(column.title, title);
      }
    }
    if (!seen.contains("id")) {
      fail(1, "there is no column 'id'; the first line names the columns, with commas between");
    }
    return errors_.size() == before_;
  }

  void take_attribute(const std::string& name, const std::string& title) {
    for (const char* known : {"id", "blocked"}) {
      if (same_name(name, known)) return fail(1, title + ": did you mean '" + known + "'?");
    }
    registry_.add_attribute(name);
  }

  void take_row(const std::vector<std::string_view>& cells, size_t line) {
    if (cells.size() != columns_.size()) {
      return fail(line, std::to_string(cells.size()) + " cells where the first line has " +
                            std::to_string(columns_.size()));
    }
    device_.id.clear();
    device_.blocked = false;
    device_.calibrate.clear();
    device_.attributes.clear();
    const size_t before = errors_.size();
    for (size_t i = 0; i < cells.size(); ++i) take_cell(columns_[i], cells[i], line);
    if (errors_.size() > before) return;
    if (const uint32_t known = registry_.find(device_.id); known != Registry::kUnknown) {
      return fail(line, "'id': device '" + shortened(device_.id) + "' stands in " +
                            (known < blocks_ ? "a [[device]] of " + config_file_
                                             : "line " + std::to_string(lines_[known - blocks_])) +
                            ", too; leave one of them");
    }
    (void)registry_.add(device_, wanted_);
    lines_.push_back(static_cast<uint32_t>(line));
  }

  void take_cell(const CsvColumn& column, std::string_view cell, size_t line) {
    const auto wrong = [&](const std::string& why) {
      fail(line, "'" + column.title + "': " + why);
    };
    switch (column.kind) {
      case CsvColumn::Kind::kId:
        device_.id = cell;
        if (cell.empty()) wrong("is empty: it is the key of the device's readings");
        if (!is_valid_utf8(cell)) wrong("is not UTF-8; save the file as UTF-8");
        return;
      case CsvColumn::Kind::kBlocked: {
        const auto flag = flag_of(cell);
        if (!flag) wrong("'" + shortened(cell) + "' is neither true nor false");
        device_.blocked = flag.value_or(false);
        return;
      }
      case CsvColumn::Kind::kScale:
      case CsvColumn::Kind::kOffset: {
        if (cell.empty()) return;
        const auto number = number_of(cell);
        if (!number) return wrong("'" + shortened(cell) + "' is no number such as 1.02");
        const bool scales = column.kind == CsvColumn::Kind::kScale;
        const std::string why = scales ? wrong_scale(*number) : wrong_offset(*number);
        if (!why.empty()) return wrong(why);
        Calibration& calibration = calibration_of(device_, column.name);
        (scales ? calibration.scale : calibration.offset) = *number;
        return;
      }
      case CsvColumn::Kind::kAttribute:
        if (!is_valid_utf8(cell)) return wrong("is not UTF-8; save the file as UTF-8");
        device_.attributes.emplace_back(column.name, cell);
    }
  }

  void fail(size_t line, const std::string& message) {
    errors_.push_back({config_.registry.file, {static_cast<uint32_t>(line), 0}, message});
  }
  void fail_in_config(const std::string& key, const std::string& message) {
    const auto at = config_.positions.find(key);
    errors_.push_back(
        {config_file_, at == config_.positions.end() ? Position() : at->second, message});
  }

  const Config& config_;
  const std::string& config_file_;
  std::vector<ConfigError>& errors_;
  const size_t before_;
  std::set<std::string> wanted_;  // attributes
  Registry registry_;
  size_t blocks_ = 0;  // devices of the configuration itself
  std::vector<CsvColumn> columns_;
  std::vector<uint32_t> lines_;  // of the devices behind those
  DeviceOptions device_;         // of the line at hand
};

// Absolute, so that what is in force can be written down anywhere.
std::string beside(const std::string& config_file, const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const auto joined = std::filesystem::path(config_file).parent_path() / path;
  const auto absolute = std::filesystem::absolute(joined, error);
  return (error ? joined : absolute).lexically_normal();
}

}  // namespace

void know_devices(Config& config, const std::string& file, Devices devices,
                  std::vector<ConfigError>& errors) {
  if (!kHasDevices) {
    config.known_devices = std::make_shared<const Registry>();
    return;
  }
  config.registry.file = beside(file, config.registry.file);
  if (devices == Devices::kLeft) return;
  config.known_devices = DeviceReader(config, file, errors).read();
  for (SourceOptions& s : config.sources) {
    if (!s.is_answered) s.devices = config.known_devices;
  }
}

}  // namespace wayside
