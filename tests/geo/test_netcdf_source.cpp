// SPDX-License-Identifier: Apache-2.0
#include "geo/netcdf_source.h"
