SUMMARY = "Event-time gateway from MQTT to Kafka"
DESCRIPTION = "Takes readings over MQTT, computes windows, alarms and anomalies, and forwards events to Kafka."
SECTION = "net"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# openembedded-core, meta-oe, and nanopb of meta-oe's layer for meta-python. simdjson and cctz are in none of these:
# docs/packages.md.
DEPENDS = "boost cctz cli11 fmt nanopb-generator-native nanopb-runtime openssl paho-mqtt-c paho-mqtt-cpp \
           simdjson spdlog sqlite3 tomlplusplus zstd"

PV = "0.1+git"
# Where the source comes from, and which commit of it, in local.conf or a bbappend. Releases of openembedded-core that
# know no UNPACKDIR need S = "${WORKDIR}/git" as well.
WAYSIDE_URI ?= "git://git.example.invalid/wayside.git;protocol=https;branch=main"
SRC_URI = "${WAYSIDE_URI}"
SRCREV ?= "${AUTOREV}"

RDEPENDS:${PN} = "tzdata"
RRECOMMENDS:${PN} = "ca-certificates"

inherit cmake pkgconfig python3native systemd useradd

EXTRA_OECMAKE = "-DCMAKE_BUILD_TYPE=Release -DWAYSIDE_TESTS=OFF -DHOST_PYTHON=${PYTHON} \
                 -DWAYSIDE_UNIT_DIR=${systemd_system_unitdir} -DWAYSIDE_SYSUSERS_DIR=${libdir}/sysusers.d"

# What a board does not need can be left out.
PACKAGECONFIG ??= "blocks commands devices formats http inputs kafka past tools"
PACKAGECONFIG[blocks] = "-DWAYSIDE_BLOCKS=ON,-DWAYSIDE_BLOCKS=OFF"
PACKAGECONFIG[commands] = "-DWAYSIDE_COMMANDS=ON,-DWAYSIDE_COMMANDS=OFF"
PACKAGECONFIG[devices] = "-DWAYSIDE_DEVICES=ON,-DWAYSIDE_DEVICES=OFF"
PACKAGECONFIG[formats] = "-DWAYSIDE_FORMATS=ON,-DWAYSIDE_FORMATS=OFF"
PACKAGECONFIG[http] = "-DWAYSIDE_HTTP=ON,-DWAYSIDE_HTTP=OFF"
PACKAGECONFIG[inputs] = "-DWAYSIDE_INPUTS=ON,-DWAYSIDE_INPUTS=OFF"
PACKAGECONFIG[kafka] = "-DWAYSIDE_KAFKA=ON,-DWAYSIDE_KAFKA=OFF,librdkafka"
PACKAGECONFIG[past] = "-DWAYSIDE_PAST=ON,-DWAYSIDE_PAST=OFF"
PACKAGECONFIG[tools] = "-DWAYSIDE_TOOLS=ON,-DWAYSIDE_TOOLS=OFF"

SYSTEMD_SERVICE:${PN} = "wayside.service"
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --home-dir ${localstatedir}/lib/wayside --no-create-home \
                       --shell /sbin/nologin wayside"

# useradd makes the user; the definition for systemd-sysusers would be a second one. Secrets may be named here.
do_install:append() {
    rm -r ${D}${libdir}/sysusers.d
    chown root:wayside ${D}${sysconfdir}/wayside ${D}${sysconfdir}/wayside/wayside.toml
    chmod 0750 ${D}${sysconfdir}/wayside
    chmod 0640 ${D}${sysconfdir}/wayside/wayside.toml
}

FILES:${PN} += "${systemd_system_unitdir} ${datadir}/bash-completion"
CONFFILES:${PN} = "${sysconfdir}/wayside/wayside.toml"
