// What the table `calibrate` of a device may hold.
#include "config/table_reader.h"

namespace wayside {

void TableReader::calibrations(const Key& key,
                               std::vector<std::pair<std::string, Calibration>>& by_field) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::table* table = node->as_table();
  if (!table) return wrong_type(key.name, *node, "{ FIELD = { scale = …, offset = … } }");
  for (const auto& [field, item] : in_file_order(*table)) {
    const std::string place = std::string(key.name) + "." + field;
    positions_[position_name(place)] = position_of(item->source());
    Calibration& calibration = by_field.emplace_back(field, Calibration()).second;
    if (!item->is_table()) {
      wrong_type(place, *item, "{ scale = …, offset = … }");
      continue;
    }
    TableReader reader(*item->as_table(), *this, position_name(place));
    describe(reader, calibration);
    reader.finish();
  }
}

}  // namespace wayside
