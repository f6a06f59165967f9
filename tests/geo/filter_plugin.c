/* SPDX-License-Identifier: Apache-2.0 */
/* An HDF5 filter plugin that leaves a file behind when it is loaded: for test_netcdf_guard.cpp. */
#include <H5PLextern.h>
#include <stdio.h>
#include <stdlib.h>

static size_t pass(unsigned flags, size_t n, const unsigned values[], size_t bytes, size_t* size,
                   void** buffer) {
  (void)flags, (void)n, (void)values, (void)size, (void)buffer;
  return bytes;
}

static const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 300, 1, 1, "pass", NULL, NULL, pass};

H5PL_type_t H5PLget_plugin_type(void) { return H5PL_TYPE_FILTER; }
const void* H5PLget_plugin_info(void) { return &filter; }

__attribute__((constructor)) static void loaded(void) {
  const char* mark = getenv("FLUXTILE_TEST_MARK");
  FILE* out = mark == NULL ? NULL : fopen(mark, "w");
  if (out != NULL) fclose(out);
}
