// The steps of a pattern: an array of tables, each read like a table of the file.
#include "config/table_reader.h"

namespace wayside {

void TableReader::steps(const Key& key, std::vector<PatternStep>& steps) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  if (!array) return wrong_type(key.name, *node, "an array of tables");
  const size_t before = errors_.size();
  for (const toml::node& item : *array) {
    const toml::table* table = item.as_table();
    if (!table) return wrong_type(key.name, item, "an array of tables");
    PatternStep& step = steps.emplace_back();
    const auto name = (*table)["name"].value_or<std::string>("");
    const std::string place = position_name(std::string(key.name) + "." + name);
    positions_.emplace(place, position_of(table->source()));
    TableReader reader(*table, *this, place);
    describe(reader, step);
    reader.finish();
  }
  // What is wrong in a step is told; the pattern means nothing then.
  if (errors_.size() > before) positions_[position_name(key.name)] = errors_[before].at;
}

}  // namespace wayside
