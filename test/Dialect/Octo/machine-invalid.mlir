// The target as IR, checked as a target file is.
// RUN: octo-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{is not a machine: `target.clockHz` is an integer}}
octo.machine @m {target = {clockHz = "fast"}}

// -----

// expected-error @below {{is not a machine: `target.tbusPerCluster` is between 0 and 4294967295}}
octo.machine @m {target = {tbusPerCluster = -1}}

// -----

// expected-error @below {{is not a machine: `target.name` is a string}}
octo.machine @m {target = {name = 3}}

// -----

// expected-error @below {{is not a machine: `target` has no parameter 'clock'}}
octo.machine @m {target = {clock = 3}}

// -----

// expected-error @below {{is not a machine: `target.pea.layout[0]` is one of "matrix", "vector", "general"}}
octo.machine @m {target = {pea = {layout = ["tensor"]}}}

// -----

// expected-error @below {{is not a machine: `target.pea.layout` is a list}}
octo.machine @m {target = {pea = {layout = "general"}}}

// -----

// expected-error @below {{is not a machine: `target.pea.rates` is a dictionary by class}}
octo.machine @m {target = {pea = {rates = 1}}}

// -----

// expected-error @below {{is not a machine: `target.pea.rates` is one of "matrix", "vector", "general"}}
octo.machine @m {target = {pea = {rates = {tensor = {}}}}}

// -----

// expected-error @below {{is not a machine: `target.pea.rates.matrix` is a dictionary}}
octo.machine @m {target = {pea = {rates = {matrix = 1}}}}

// -----

// expected-error @below {{is not a machine: `target.dies` is a pair [x, y]}}
octo.machine @m {target = {dies = [1, 2, 3]}}

// -----

// expected-error @below {{is not a machine: `target.dies.y` is an integer}}
octo.machine @m {target = {dies = [1, "2"]}}

// -----

// expected-error @below {{is not a machine: `target.scratchpad` is a dictionary}}
octo.machine @m {target = {scratchpad = 1}}

// -----

// expected-error @below {{is not a machine: `target.defects.parts[0].kind` is one of "pea", "tbu", "cbu", "link", "cluster", "hbm"}}
octo.machine @m {target = {defects = {parts = [{kind = "die"}]}}}

// -----

// expected-error @below {{is not a machine: `clock_mhz`: expected a number from 0.001 to 1000000, found 0}}
octo.machine @m {target = {}}
