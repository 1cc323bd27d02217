// Reads one table of the file into an option struct: what a key of each type may look like, and
// every error with its position. Only for this folder.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "config/describe.h"

namespace wayside {

Position position_of(const toml::source_region& region);
std::vector<std::pair<std::string, const toml::node*>> in_file_order(const toml::table& table);

class TableReader : public ConfigVisitor {
 public:
  // Of a section [section] or [[section]]. Borrows all but `file`; positions and secrets of the
  // table are kept in `config`.
  TableReader(const toml::table& table, const std::string& section, std::string file,
              std::vector<ConfigError>& errors, Config& config);

  void text(const Key& key, std::string& value) override;
  void texts(const Key& key, std::vector<std::string>& value) override;
  void duration(const Key& key, int64_t& ms, int64_t min_ms) override;
  void duration_or_off(const Key& key, std::optional<int64_t>& ms) override;
  void bytes(const Key& key, uint64_t& bytes, uint64_t min) override;
  void integer(const Key& key, int64_t& value, int64_t min, int64_t max) override;
  void count_or_duration(const Key& key, uint32_t& count, int64_t& ms, uint32_t most) override;
  void number(const Key& key, double& value) override;
  void flag(const Key& key, bool& value) override;
  void choice(const Key& key, int& value, std::span<const Choice> choices) override;
  void secret(const Key& key, std::string& value) override;
  void items(const Key& key, std::vector<std::pair<std::string, std::string>>& value) override;
  void settings(const Key& key, std::vector<Setting>& value) override;
  void url(const Key& key, MqttOptions& o) override;
  void time(const Key& key, std::string& path, TimeForm& form) override;
  void fields(const Key& key, std::vector<FieldOptions>& fields) override;
  void position(const Key& key, PositionOptions& position) override;
  void calibrations(const Key& key,
                    std::vector<std::pair<std::string, Calibration>>& by_field) override;
  void steps(const Key& key, std::vector<PatternStep>& steps) override;

  // Whatever nobody asked for, then what is missing. A misspelt key stands for the one that it is
  // near to, so that one slip is told once.
  void finish();

 private:
  // Of a table in one that is being read; positions are those of `place`.
  TableReader(const toml::table& table, const TableReader& outer, std::string place)
      : table_(table),
        file_(outer.file_),
        errors_(outer.errors_),
        positions_(outer.positions_),
        secrets_(outer.secrets_),
        block_(std::move(place)) {}
  const toml::node* find(const Key& key);
  bool take_text(const std::string& name, const toml::node& node, std::string& value);
  bool take_number(const std::string& name, const toml::node& node, double& value);
  // Of { file = "…" }, { env = "…" } or { credential = "…" }.
  void take_secret(const std::string& name, const toml::table& table, std::string& value);
  void take_choice(const std::string& name, const toml::node& node, int& value,
                   std::span<const Choice> choices);
  void take_field(const toml::table& table, FieldOptions& field);
  void take_time_unit(const toml::node& node, TimeForm& form);
  void take_unit(FieldOptions& field, const toml::node& node);
  void take_default(FieldOptions& field, const toml::node& node);
  std::string position_name(const std::string& key) const { return block_ + "." + key; }
  void add(Position at, std::string message) { errors_.push_back({file_, at, std::move(message)}); }
  void wrong(const std::string& name, const toml::node& node, const std::string& what);
  void wrong_type(const std::string& name, const toml::node& node, const char* expected);
  void unknown(const toml::key& key, const std::vector<std::string>& known);

  const toml::table& table_;
  std::string file_;
  std::vector<ConfigError>& errors_;
  std::map<std::string, Position>& positions_;
  std::set<std::string>& secrets_;
  std::string block_;
  std::vector<std::string> known_;
  std::vector<Key> missing_;
};

}  // namespace wayside
