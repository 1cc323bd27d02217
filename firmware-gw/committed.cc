#include "firmware-gw/committed.h"

#include <simdjson.h>

#include "firmware-gw/gateway.h"

namespace wayside {

uint64_t committed_entry(const std::string& state_dir) {
  const auto status = ask_status(state_dir);
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  uint64_t entry = 0;
  if (!status.ok() || parser.parse(*status).get(json)) return UINT64_MAX;
  return json.at_pointer("/journal/entry").get(entry) ? UINT64_MAX : entry;
}

}  // namespace wayside
