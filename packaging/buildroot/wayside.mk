################################################################################
#
# wayside
#
################################################################################

WAYSIDE_VERSION = 0.1.0
# A checkout of the repository: this folder is packaging/buildroot in it.
WAYSIDE_SITE = $(WAYSIDE_PKGDIR)/../..
WAYSIDE_SITE_METHOD = local
WAYSIDE_LICENSE = Apache-2.0
WAYSIDE_LICENSE_FILES = LICENSE
WAYSIDE_DEPENDENCIES = \
	boost cctz cli11 fmt host-nanopb host-pkgconf host-python3 nanopb openssl \
	paho-mqtt-c paho-mqtt-cpp simdjson spdlog sqlite tomlplusplus zstd
WAYSIDE_CONF_OPTS = \
	-DWAYSIDE_TESTS=OFF \
	-DHOST_PYTHON=$(HOST_DIR)/bin/python3 \
	-DWAYSIDE_BLOCKS=$(if $(BR2_PACKAGE_WAYSIDE_BLOCKS),ON,OFF) \
	-DWAYSIDE_COMMANDS=$(if $(BR2_PACKAGE_WAYSIDE_COMMANDS),ON,OFF) \
	-DWAYSIDE_DEVICES=$(if $(BR2_PACKAGE_WAYSIDE_DEVICES),ON,OFF) \
	-DWAYSIDE_FORMATS=$(if $(BR2_PACKAGE_WAYSIDE_FORMATS),ON,OFF) \
	-DWAYSIDE_HTTP=$(if $(BR2_PACKAGE_WAYSIDE_HTTP),ON,OFF) \
	-DWAYSIDE_INPUTS=$(if $(BR2_PACKAGE_WAYSIDE_INPUTS),ON,OFF) \
	-DWAYSIDE_PAST=$(if $(BR2_PACKAGE_WAYSIDE_PAST),ON,OFF) \
	-DWAYSIDE_TOOLS=$(if $(BR2_PACKAGE_WAYSIDE_TOOLS),ON,OFF)

ifeq ($(BR2_PACKAGE_WAYSIDE_KAFKA),y)
WAYSIDE_CONF_OPTS += -DWAYSIDE_KAFKA=ON
WAYSIDE_DEPENDENCIES += librdkafka
else
WAYSIDE_CONF_OPTS += -DWAYSIDE_KAFKA=OFF
endif

define WAYSIDE_USERS
	wayside -1 wayside -1 * /var/lib/wayside - - Wayside gateway
endef

define WAYSIDE_PERMISSIONS
	/etc/wayside d 0750 root wayside - - - - -
	/etc/wayside/wayside.toml f 0640 root wayside - - - - -
endef

# The packages' own definition of the user, for systemd-sysusers, would be a second one.
define WAYSIDE_REMOVE_SYSUSERS
	rm -f $(TARGET_DIR)/usr/lib/sysusers.d/wayside.conf
endef
WAYSIDE_POST_INSTALL_TARGET_HOOKS += WAYSIDE_REMOVE_SYSUSERS

$(eval $(cmake-package))
