# SPDX-License-Identifier: Apache-2.0
fluxtile_test(training_tests
  test_experiment.cpp test_train_config.cpp
  LIBS fluxtile_training)
target_compile_definitions(training_tests PRIVATE FLUXTILE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
