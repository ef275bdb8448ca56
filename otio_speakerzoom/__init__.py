"""Cut to whoever speaks: from one wide recording to an edited, reframed timeline."""
