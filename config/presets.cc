// The presets, each as its source would stand in the file; docs/presets.md tells of them.
#include "config/preset.h"

namespace wayside {
namespace {

// OwnTracks' apps and trackers; others than locations come by other topics, save `lwt`.
constexpr const char* kOwnTracks = R"toml(
topic = "owntracks/{user}/{device}"
key = "device"
time = { field = "tst", unit = "s" }
[fields]
message = { path = "_type", type = "text" }
tracker = { path = "tid", type = "text" }
lat = { path = "lat", min = -90, max = 90 }
lon = { path = "lon", min = -180, max = 180 }
altitude = { path = "alt", unit = "m" }
accuracy = { path = "acc", unit = "m" }
altitude_accuracy = { path = "vac", unit = "m" }
speed = { path = "vel", unit = "km/h" }
heading = { path = "cog", unit = "deg" }
battery = { path = "batt", unit = "%" }
pressure = { path = "p", unit = "kPa" }
cause_of_report = { path = "t", type = "text" }
link = { path = "conn", type = "text" }
)toml";

// The Things Stack v3, uplinks. What the payload formatter makes is each application's own:
// "uplink_message.decoded_payload.…".
constexpr const char* kTheThingsStack = R"toml(
topic = "v3/{application}/devices/{device}/up"
key = "device"
time = { field = "received_at", unit = "rfc3339" }
[fields]
end_device = { path = "end_device_ids.device_id", type = "text", equals = "device" }
dev_eui = { path = "end_device_ids.dev_eui", type = "text" }
f_port = "uplink_message.f_port"
f_cnt = "uplink_message.f_cnt"
payload = { path = "uplink_message.frm_payload", type = "text" }
lorawan_gateway = { path = "uplink_message.rx_metadata.0.gateway_ids.gateway_id", type = "text" }
rssi = "uplink_message.rx_metadata.0.rssi"
snr = "uplink_message.rx_metadata.0.snr"
spreading_factor = "uplink_message.settings.data_rate.lora.spreading_factor"
bandwidth = "uplink_message.settings.data_rate.lora.bandwidth"
frequency = "uplink_message.settings.frequency"
lat = { path = "uplink_message.locations.user.latitude", min = -90, max = 90 }
lon = { path = "uplink_message.locations.user.longitude", min = -180, max = 180 }
altitude = { path = "uplink_message.locations.user.altitude", unit = "m" }
)toml";

// Ruuvi Gateway with time stamps; measurements are there where it is set to send decoded data.
constexpr const char* kRuuvi = R"toml(
topic = "ruuvi/{ruuvi_gateway}/{tag}"
key = "tag"
time = { field = "ts", unit = "s" }
[fields]
rssi = "rssi"
data = { path = "data", type = "text" }
temp_c = { path = "temperature", unit = "C" }
humidity = { path = "humidity", unit = "%" }
pressure = { path = "pressure", unit = "Pa" }
accel_x = { path = "accelX", unit = "g" }
accel_y = { path = "accelY", unit = "g" }
accel_z = { path = "accelZ", unit = "g" }
battery_v = { path = "voltage", unit = "V" }
movements = "movementCounter"
sequence = "measurementSequenceNumber"
)toml";

// Tasmota's telemetry of sensors. Its times are local, without an offset.
constexpr const char* kTasmota = R"toml(
topic = "tele/{device}/SENSOR"
key = "device"
time = { field = "Time", unit = "auto" }
[fields]
ds18b20_c = { path = "DS18B20.Temperature", unit = "C" }
dht11_c = { path = "DHT11.Temperature", unit = "C" }
dht11_humidity = { path = "DHT11.Humidity", unit = "%" }
am2301_c = { path = "AM2301.Temperature", unit = "C" }
am2301_humidity = { path = "AM2301.Humidity", unit = "%" }
si7021_c = { path = "SI7021.Temperature", unit = "C" }
si7021_humidity = { path = "SI7021.Humidity", unit = "%" }
sht3x_c = { path = "SHT3X.Temperature", unit = "C" }
sht3x_humidity = { path = "SHT3X.Humidity", unit = "%" }
bme280_c = { path = "BME280.Temperature", unit = "C" }
bme280_humidity = { path = "BME280.Humidity", unit = "%" }
bme280_pressure = { path = "BME280.Pressure", unit = "hPa" }
analog_1_c = { path = "ANALOG.Temperature1", unit = "C" }
analog_2_c = { path = "ANALOG.Temperature2", unit = "C" }
illuminance = "ANALOG.Illuminance3"
wind = { path = "TX23.Speed.Act", unit = "km/h" }
wind_mean = { path = "TX23.Speed.Avg", unit = "km/h" }
wind_direction = { path = "TX23.Dir.Deg", unit = "deg" }
power_w = "ENERGY.Power"
voltage = { path = "ENERGY.Voltage", unit = "V" }
current_a = "ENERGY.Current"
energy_kwh = "ENERGY.Total"
temp_unit = { path = "TempUnit", type = "text" }
pressure_unit = { path = "PressureUnit", type = "text" }
speed_unit = { path = "SpeedUnit", type = "text" }
)toml";

// Zigbee2MQTT: whatever a device exposes of what is usual. It sends no time by itself.
constexpr const char* kZigbee2Mqtt = R"toml(
topic = "zigbee2mqtt/{device}"
key = "device"
[fields]
temp_c = { path = "temperature", unit = "C" }
humidity = { path = "humidity", unit = "%" }
pressure = { path = "pressure", unit = "hPa" }
illuminance = "illuminance"
co2_ppm = "co2"
contact = { path = "contact", type = "bool" }
occupancy = { path = "occupancy", type = "bool" }
water_leak = { path = "water_leak", type = "bool" }
smoke = { path = "smoke", type = "bool" }
vibration = { path = "vibration", type = "bool" }
tamper = { path = "tamper", type = "bool" }
battery_low = { path = "battery_low", type = "bool" }
battery = { path = "battery", unit = "%" }
voltage_sent = "voltage"
linkquality = "linkquality"
switched = { path = "state", type = "text" }
press = { path = "action", type = "text" }
power_w = "power"
current_a = "current"
energy_kwh = "energy"
)toml";

// Shelly from generation 2 on: NotifyStatus and NotifyFullStatus. Devices with a battery wake with
// a clock that is not set, and send at once: the arrival is their time.
constexpr const char* kShelly = R"toml(
topic = "{device}/events/rpc"
key = "device"
[fields]
method = { path = "method", type = "text" }
device_time = "params.ts"
temp_c = { path = "params.temperature:0.tC", unit = "C" }
humidity = { path = "params.humidity:0.rh", unit = "%" }
battery = { path = "params.devicepower:0.battery.percent", unit = "%" }
battery_v = { path = "params.devicepower:0.battery.V", unit = "V" }
external_power = { path = "params.devicepower:0.external.present", type = "bool" }
smoke = { path = "params.smoke:0.alarm", type = "bool" }
flood = { path = "params.flood:0.alarm", type = "bool" }
input = { path = "params.input:0.state", type = "bool" }
output = { path = "params.switch:0.output", type = "bool" }
power_w = "params.switch:0.apower"
voltage = { path = "params.switch:0.voltage", unit = "V" }
current_a = "params.switch:0.current"
energy_wh = "params.switch:0.aenergy.total"
wifi_rssi = "params.wifi.rssi"
uptime_s = "params.sys.uptime"
wakeup = { path = "params.sys.wakeup_reason.cause", type = "text" }
)toml";

// The same devices, with "Generic status update over MQTT": a message a component.
constexpr const char* kShellyStatus = R"toml(
topic = "{device}/status/{component}"
key = "device"
[fields]
temp_c = { path = "tC", unit = "C" }
humidity = { path = "rh", unit = "%" }
battery = { path = "battery.percent", unit = "%" }
battery_v = { path = "battery.V", unit = "V" }
alarm = { path = "alarm", type = "bool" }
state = { path = "state", type = "text" }
output = { path = "output", type = "bool" }
power_w = "apower"
voltage = { path = "voltage", unit = "V" }
current_a = "current"
energy_wh = "aenergy.total"
)toml";

// flespi's platform: one flat object, whose names have dots in them.
constexpr const char* kFlespi = R"toml(
topic = "flespi/message/gw/devices/{device}"
key = "device"
time = { field = 'timestamp', unit = "s" }
[fields]
ident = { path = 'ident', type = "text" }
lat = { path = 'position\.latitude', min = -90, max = 90 }
lon = { path = 'position\.longitude', min = -180, max = 180 }
fix = { path = 'position\.valid', type = "bool" }
altitude = { path = 'position\.altitude', unit = "m" }
speed = { path = 'position\.speed', unit = "km/h" }
heading = { path = 'position\.direction', unit = "deg" }
satellites = 'position\.satellites'
hdop = 'position\.hdop'
ignition = { path = 'engine\.ignition\.status', type = "bool" }
moving = { path = 'movement\.status', type = "bool" }
odometer = { path = 'vehicle\.mileage', unit = "km" }
supply_v = { path = 'external\.powersource\.voltage', unit = "V" }
battery_v = { path = 'battery\.voltage', unit = "V" }
gsm_level = { path = 'gsm\.signal\.level', unit = "%" }
alarm = { path = 'alarm\.event\.trigger', type = "bool" }
shock = { path = 'shock\.event\.trigger', type = "bool" }
buffered = { path = 'message\.buffered\.status', type = "bool" }
reefer_1_c = { path = 'refrigerator\.sensor\.temperature#1', unit = "C" }
reefer_2_c = { path = 'refrigerator\.sensor\.temperature#2', unit = "C" }
reefer_3_c = { path = 'refrigerator\.sensor\.temperature#3', unit = "C" }
reefer_4_c = { path = 'refrigerator\.sensor\.temperature#4', unit = "C" }
reefer_5_c = { path = 'refrigerator\.sensor\.temperature#5', unit = "C" }
reefer_6_c = { path = 'refrigerator\.sensor\.temperature#6', unit = "C" }
)toml";

// HSL's High-Frequency Positioning v2: positions of vehicles on a journey.
constexpr const char* kHslHfp = R"toml(
topic = "/hfp/v2/journey/ongoing/vp/{mode}/{operator}/{vehicle}/#"
key = "vehicle"
time = { field = "VP.tst", unit = "rfc3339" }
[fields]
lat = { path = "VP.lat", min = -90, max = 90 }
lon = { path = "VP.long", min = -180, max = 180 }
fix = { path = "VP.loc", type = "text" }
speed = { path = "VP.spd", unit = "m/s", min = 0, max = 60 }
heading = { path = "VP.hdg", unit = "deg" }
acceleration = { path = "VP.acc", unit = "m/s2" }
odometer = { path = "VP.odo", unit = "m" }
doors_open = { path = "VP.drst", type = "bool" }
delay_s = "VP.dl"
occupancy = { path = "VP.occu", unit = "%" }
stop = "VP.stop"
route = { path = "VP.route", type = "text" }
shown_line = { path = "VP.desi", type = "text" }
direction = { path = "VP.dir", type = "text" }
operating_day = { path = "VP.oday", type = "text" }
departure = { path = "VP.start", type = "text" }
vehicle_number = "VP.veh"
)toml";

constexpr Preset kPresets[] = {
    {"owntracks", kOwnTracks}, {"tts-v3", kTheThingsStack}, {"ruuvi", kRuuvi},
    {"tasmota", kTasmota},     {"shelly", kShelly},         {"shelly-status", kShellyStatus},
    {"flespi", kFlespi},       {"hsl-hfp", kHslHfp},        {"zigbee2mqtt", kZigbee2Mqtt},
};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

}  // namespace wayside
