//! Peers as processes: spawn, speak, time out, kill; a namespace for each scenario; the leak check.
