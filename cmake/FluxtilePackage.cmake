# SPDX-License-Identifier: Apache-2.0
# What is installed besides the program (which its own folder installs), and the Debian package:
#   cmake --build --preset release && (cd build/release && cpack -G DEB)

# Worlds name their models relative to themselves: both keep their places in the source tree.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs/worlds"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/fluxtile/configs")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/models"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/fluxtile/examples")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME copyright)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/" DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs")

# Runtime packages that dpkg-shlibdeps cannot see come from the one list.
execute_process(
  COMMAND bash "${PROJECT_SOURCE_DIR}/tools/install_dependencies.sh" --list runtime
  OUTPUT_VARIABLE runtime_packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ", " runtime_packages "${runtime_packages}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fluxtile)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_VENDOR "fluxtile developers")
set(CPACK_PACKAGE_CONTACT "fluxtile developers <fluxtile@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${runtime_packages}")
include(CPack)
