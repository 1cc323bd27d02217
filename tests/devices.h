// Registries, for tests.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sensors/registry.h"

namespace wayside {

inline DeviceOptions device(const std::string& id) { return {id, false, {}, {}}; }
inline DeviceOptions blocked(const std::string& id) { return {id, true, {}, {}}; }
inline DeviceOptions calibrated(DeviceOptions d, const std::string& field, double scale,
                                double offset) {
  d.calibrate.push_back({field, {scale, offset}});
  return d;
}
inline DeviceOptions with(DeviceOptions d, const std::string& attribute, const std::string& text) {
  d.attributes.emplace_back(attribute, text);
  return d;
}

inline std::shared_ptr<const Registry> registry_of(const std::vector<DeviceOptions>& devices,
                                                   const std::set<std::string>& wanted = {
                                                       "trailer", "customer"}) {
  Registry registry;
  for (const DeviceOptions& d : devices) registry.add(d, wanted);
  return std::make_shared<const Registry>(std::move(registry));
}

}  // namespace wayside
