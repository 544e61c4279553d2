//! Inputs: from arguments to readers of decompressed bytes.
