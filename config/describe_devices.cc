// The devices that are known, and where they are known from.
#include "config/describe_values.h"

namespace wayside {

void describe(ConfigVisitor& v, RegistryOptions& o) {
  v.text({"file",
          "CSV with a device a line: id, blocked, FIELD.scale, FIELD.offset, and attributes; its "
          "path begins where this file is",
          "/etc/wayside/devices.csv"},
         o.file);
  whole(v, {"max_devices", "of the file and of [[device]] together"}, o.max_devices, 1, 1'000'000);
}

void describe(ConfigVisitor& v, DeviceOptions& o) {
  v.text({"id", "the key of its readings", "truck-17", true}, o.id);
  v.flag({"blocked", "its readings are quarantined"}, o.blocked);
  v.calibrations({"calibrate", "of fields: a value becomes value * scale + offset",
                  "{ temp_c = { scale = 1.02, offset = -0.3 } }"},
                 o.calibrate);
  v.items({"attributes", "texts that sources may take along", "{ trailer = \"T-17\" }"},
          o.attributes);
}

void describe(ConfigVisitor& v, Calibration& o) {
  v.number({"scale", "factor"}, o.scale);
  v.number({"offset", "added behind it, in the held unit"}, o.offset);
}

}  // namespace wayside
