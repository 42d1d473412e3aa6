# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cmake -DSOURCES=<files> -DOUTPUT=<file> -P OctoDigest.cmake: writes the SHA-256
# of the contents of some files as a string of C.
list(SORT SOURCES)
set(digests "")
foreach(source IN LISTS SOURCES)
  file(SHA256 ${source} digest)
  string(APPEND digests ${digest})
endforeach()
string(SHA256 digest "${digests}")
file(WRITE ${OUTPUT} "\"${digest}\"\n")
