-- A Resolve that can be switched into each of its known traps. `traps` says which; all off: it works.
--
-- Returns a table with the objects of a script's environment, and `report()`, what the project holds.
-- The names of the classes and methods are those of Resolve's API; a test compares them.
local traps, media, files, save_prefs = ...

local classes, calls = {}, 0
local project, modal, current, preferences = nil, traps.modal or false, nil, {}
local timelines, bin, subfolder = {}, { clips = {}, folders = {} }, { clips = {}, folders = {} }
bin.folders[1] = subfolder

local function class(name)
  classes[name] = {}
  return classes[name]
end

-- An object of a class. A dialog that waits for its user makes every call fail.
local function object(name, fields)
  return setmetatable(fields, { __index = function(_, key)
    local method = classes[name][key]
    if method == nil or (traps.missing and traps.missing[key]) then return nil end
    return function(self, ...)
      assert(self == fields, key .. " needs its object")
      calls = calls + 1
      if traps.modal_after and calls > traps.modal_after then modal = true end
      if modal then return nil end
      return method(self, ...)
    end
  end })
end

local function find(name)
  for index, timeline in ipairs(timelines) do
    if timeline.name == name then return timeline, index end
  end
end

local function frames_of(timecode, rate)
  local hours, minutes, seconds, mark, frames = timecode:match("^(%d+):(%d+):(%d+)([:;])(%d+)$")
  local base = math.floor(rate + 0.5)
  local total = hours * 60 + minutes
  local label = (total * 60 + seconds) * base + frames
  return label - (mark == ";" and base / 15 * (total - math.floor(total / 10)) or 0)
end

-- Items ------------------------------------------------------------------------------------------

local LIMITS = { ZoomX = { 0, 100 }, ZoomY = { 0, 100 }, Scaling = { 0, 4 } }
local item = class("TimelineItem")

function item:GetStart() if not self.ghost then return self.start end end
function item:GetDuration() if not self.ghost then return self.duration end end
function item:GetLeftOffset() if not self.ghost then return self.source end end
function item:GetMediaPoolItem() return self.clip end
function item:GetClipEnabled() return self.enabled end
function item:SetClipEnabled(value)
  assert(type(value) == "boolean")
  self.enabled = value
  return true
end
function item:SetClipColor(name)
  if traps.no_colours then return false end
  self.colour = name
  return true
end
function item:GetProperty(name) return self.properties[name] end
function item:SetProperty(name, value)
  assert(type(value) == "number", name .. " needs a number")
  if traps.set_property == "ignored" then return true end
  local width, height = self.timeline.settings.timelineResolutionWidth, self.timeline.settings.timelineResolutionHeight
  local limit = LIMITS[name] or (name == "Pan" and { -4 * width, 4 * width }) or { -4 * height, 4 * height }
  local top = traps.set_property == "clipped" and math.min(limit[2], 2) or limit[2]
  value = math.max(limit[1], math.min(top, value))
  if traps.set_property == "rounded" then value = math.floor(value * 1e5 + 0.5) / 1e5 end
  self.properties[name] = value
  return true
end
function item:SmartReframe() modal = traps.edition == "free" end

local function new_item(timeline, clip, start, source, duration)
  return object("TimelineItem", {
    timeline = timeline, clip = clip, start = start, source = source, duration = duration, enabled = true,
    properties = { Scaling = 0, ZoomX = 1, ZoomY = 1, Pan = 0, Tilt = 0 },
  })
end

-- Timelines --------------------------------------------------------------------------------------

local timeline = class("Timeline")

function timeline:GetName() return self.name end
function timeline:GetStartFrame() return self.start end
function timeline:SetStartTimecode(timecode)
  self.start = frames_of(timecode, self.settings.timelineFrameRate)
  return true
end
function timeline:GetTrackCount(kind) return #self.tracks[kind] end
function timeline:AddTrack(kind)
  table.insert(self.tracks[kind], { items = {}, locked = false, name = "" })
  return true
end
function timeline:SetTrackLock(kind, track, locked)
  self.tracks[kind][track].locked = locked
  return true
end
function timeline:GetIsTrackLocked(kind, track) return self.tracks[kind][track].locked end
function timeline:SetTrackName(kind, track, name)
  self.tracks[kind][track].name = name
  return true
end
function timeline:GetItemListInTrack(kind, track)
  local row = self.tracks[kind][track]
  if not row then return nil end
  local copy = {}
  for index, entry in ipairs(row.items) do copy[index] = entry end
  return copy
end
function timeline:GetSetting(key) return tostring(self.settings[key]) end
function timeline:SetSetting(key, value)
  assert(type(value) == "string")
  if key == "useCustomSettings" then
    self.custom = value == "1"
    return true
  end
  if not self.custom or (key == "timelineFrameRate" and traps.rate_refused) then return false end
  if key == "timelineFrameRate" and #self.tracks.video[1].items > 0 then return false end
  self.settings[key] = tonumber(value)
  return true
end
function timeline:AddMarker(frame, colour, name, note, duration, data)
  if self.markers[frame] or duration ~= 1 then return false end
  self.markers[frame] = { color = colour, name = name, note = note, duration = duration, customData = data }
  return true
end
function timeline:UpdateMarkerCustomData(frame, data)
  if not self.markers[frame] then return false end
  self.markers[frame].customData = data
  return true
end
function timeline:GetMarkers() return self.markers end
function timeline:SetClipsLinked(items, linked)
  for _, entry in ipairs(items) do entry.linked = linked end
  return true
end
function timeline:GetCurrentVideoItem() return self.tracks.video[1].items[1] end
function timeline:Export(path, format, kind)
  if traps.export_fails or format ~= "otio" or kind ~= "none" then return false end
  traps.on_export(path)
  return true
end

local function new_timeline(name, rate)
  local result = object("Timeline", {
    name = name, start = 86400, custom = false, markers = {},
    settings = { timelineFrameRate = rate, timelineResolutionWidth = 1920, timelineResolutionHeight = 1080 },
    tracks = { video = { { items = {}, locked = traps.locked_track or false, name = "" } },
      audio = { { items = {}, locked = traps.locked_track or false, name = "" } } },
  })
  table.insert(timelines, result)
  return result
end

-- The media pool ---------------------------------------------------------------------------------

local pool_item, folder, pool = class("MediaPoolItem"), class("Folder"), class("MediaPool")

function pool_item:GetClipProperty(name) return self.properties[name] or "" end
function folder:GetClipList() return self.clips end
function folder:GetSubFolderList() return self.folders end

local function new_clip(path, where)
  local clip = object("MediaPoolItem", { frames = media.frames, properties = {
    ["File Path"] = path, FPS = traps.clip_rate or media.rate, ["Online Status"] = not traps.no_status and (traps.offline and "Offline" or "Online") or nil,
  } })
  table.insert(where.clips, clip)
  return clip
end

function pool:GetRootFolder() return bin end
function pool:GetSelectedClips() return traps.selected or {} end
function pool:ImportMedia(paths)
  if traps.no_import_media or paths[1] ~= media.path then return {} end
  return { new_clip(paths[1], bin) }
end
function pool:CreateEmptyTimeline(name)
  if find(name) then return nil end
  local result = new_timeline(name, 24)
  if not traps.stays_on_other then current = result end
  return result
end
function pool:DeleteTimelines(doomed)
  if traps.delete_fails then return false end
  for _, entry in ipairs(doomed) do
    local _, index = find(entry.name)
    table.remove(timelines, index)
    if current == entry then current = timelines[#timelines] end
  end
  return true
end

-- One clip of a batch on one track; nil if the host does not take it.
local function put(info, kind)
  local row = current.tracks[kind][info.trackIndex]
  local duration = info.endFrame - info.startFrame + (traps.end_frame == "inclusive" and 1 or 0)
  if not row or row.locked or info.startFrame < 0 or info.startFrame + duration > info.mediaPoolItem.frames then return nil end
  if info.recordFrame < current.start or duration < 1 then return nil end
  for _, other in ipairs(row.items) do
    if not other.ghost and info.recordFrame < other.start + other.duration and other.start < info.recordFrame + duration then
      return nil
    end
  end
  local slip = kind == "video" and traps.source_slips and #row.items == 1 and 1 or 0
  local result = new_item(current, info.mediaPoolItem, info.recordFrame, info.startFrame + slip, duration)
  table.insert(row.items, result)
  return result
end

local batches = 0
function pool:AppendToTimeline(batch)
  assert(#batch <= 100, "a batch is small")
  batches = batches + 1
  local placed = {}
  if traps.extra_audio and batches == 2 then
    table.insert(current.tracks.audio[1].items, new_item(current, batch[1].mediaPoolItem, current.start - 50, 0, 10))
  end
  for index, info in ipairs(batch) do
    for _, frame in ipairs({ info.startFrame, info.endFrame, info.recordFrame }) do
      if frame % 1 ~= 0 then return nil end -- 21 refuses the whole batch
    end
    if traps.nil_batches == "all" or (traps.nil_batches == "many" and #batch > 1) then return { nil } end
    if info.mediaType ~= 2 then placed[index] = put(info, "video") end
    if info.mediaType ~= 1 then
      if not current.tracks.audio[info.trackIndex] then timeline.AddTrack(current, "audio") end
      local sound = not (traps.silent and batches == 2) and put(info, "audio") or nil
      placed[index] = placed[index] or sound
    end
    if placed[index] and traps.ghosts == "last" and index == #batch and #batch > 1 then placed[index].ghost = true end
    if placed[index] then placed[index].doomed = traps.vanish_on_save and batches == 2 end
  end
  return placed
end

local function import(file, name, offline)
  local result = new_timeline(name, file.rate)
  current = result
  result.settings.timelineResolutionWidth, result.settings.timelineResolutionHeight = file.width, file.height
  result.start, result.tracks.video = file.start, {}
  for number, rows in ipairs(file.tracks) do
    result.tracks.video[number] = { items = {}, name = "", locked = false }
    for index, row in ipairs(rows) do
      if not (traps.import == "lossy" and index == #rows) then
        local clip = not offline and new_clip(media.path, subfolder) or nil
        local entry = new_item(result, clip, file.start + row.record, row.source, row.duration)
        entry.enabled = row.enabled
        for key, value in pairs(row.properties) do entry.properties[key] = value end
        table.insert(result.tracks.video[number].items, entry)
      end
    end
  end
  for _, row in ipairs(file.audio) do
    table.insert(result.tracks.audio[1].items, new_item(result, nil, file.start + row.record, row.source, row.duration))
  end
  for _, frame in ipairs(file.markers) do result.markers[frame] = { color = "Green", name = "", customData = "" } end
  return result
end

function pool:ImportTimelineFromFile(path, options)
  local file = files[path]
  if not file or traps.import == "nil" or find(options.timelineName) then return nil end
  if traps.import == "needs clips" and not options.importSourceClips then return nil end
  if traps.import == "refuses clips" and (options.importSourceClips or #options.sourceClipsFolders == 0) then
    return nil
  end
  local result = import(file, options.timelineName, traps.import == "offline")
  if traps.import == "creates but returns nil" then return nil end
  return result
end

-- The project ------------------------------------------------------------------------------------

local project_class, manager_class, resolve_class = class("Project"), class("ProjectManager"), class("Resolve")

function timeline:SetCurrentTimecode(timecode)
  self.at = frames_of(timecode, self.settings.timelineFrameRate)
  return true
end
function project_class:ExportCurrentFrameAsStill(path)
  for _, entry in ipairs(current.tracks.video[1].items) do
    if entry.start <= current.at and current.at < entry.start + entry.duration then
      return traps.on_still(path, entry.properties)
    end
  end
  return false
end
function project_class:GetName() return traps.untitled and "Untitled Project 3" or "Talk" end
function project_class:GetMediaPool() return object("MediaPool", {}) end
function project_class:GetTimelineCount() return #timelines end
function project_class:GetTimelineByIndex(index) return timelines[index] end
function project_class:GetCurrentTimeline() return current end
function project_class:SetCurrentTimeline(entry)
  if traps.stays_on_other then return false end
  current = entry
  return true
end
function manager_class:GetCurrentProject() return project end
function manager_class:SaveProject()
  if traps.untitled then -- a dialog asks for a name
    modal = true
    return false
  end
  for _, entry in ipairs(timelines) do
    for _, row in ipairs(entry.tracks.video) do
      for index = #row.items, 1, -1 do
        if row.items[index].doomed then table.remove(row.items, index) end
      end
    end
  end
  return true
end
function resolve_class:GetProjectManager() return object("ProjectManager", {}) end
function resolve_class:GetProductName() return traps.edition == "free" and "DaVinci Resolve" or "DaVinci Resolve Studio" end
function resolve_class:GetVersionString() return "21.1.0" end
function resolve_class:OpenPage() return not traps.no_page end
function resolve_class:GetCurrentPage() if not traps.no_page then return "edit" end end

if not traps.no_project then project = object("Project", {}) end
bin, subfolder = object("Folder", bin), object("Folder", subfolder)
bin.folders[1] = subfolder
if not traps.not_in_pool then new_clip(media.path, subfolder) end
for _, name in ipairs(traps.names or {}) do
  local other = new_timeline(name, 24)
  table.insert(other.tracks.video[1].items, new_item(other, traps.playhead and subfolder.clips[1] or nil, 86400, 0, 10))
  current = current or other
end
if traps.compound then
  traps.selected = { object("MediaPoolItem", { frames = 10, properties = { Type = "Compound" } }) }
elseif traps.select_media then
  traps.selected = subfolder.clips
end

local fusion -- the preferences
function resolve_class:Fusion() return fusion end

local function saved(value)
  local rows = {}
  for key, text in pairs(value) do rows[#rows + 1] = ("\t%s = %q,\n"):format(key:match("[^.]+$"), text) end
  return "{\n" .. table.concat(rows) .. "}\n"
end

local function report()
  local result = {}
  for _, entry in ipairs(timelines) do
    local tracks = { video = {}, audio = {} }
    for kind, rows in pairs(entry.tracks) do
      for number, row in ipairs(rows) do
        tracks[kind][number] = { name = row.name, items = {} }
        for index, each in ipairs(row.items) do
          tracks[kind][number].items[index] = {
            start = each.start, source = each.source, duration = each.duration, enabled = each.enabled,
            ghost = each.ghost or false, colour = each.colour or "", linked = each.linked or false, properties = each.properties,
          }
        end
      end
    end
    result[entry.name] = { start = entry.start, settings = entry.settings, tracks = tracks, markers = entry.markers }
  end
  return result
end

local resolve = object("Resolve", { EXPORT_OTIO = not traps.no_otio_export and "otio" or nil, EXPORT_NONE = "none" })
fusion = {
  SetPrefs = function(_, key, value) preferences[key] = value end,
  GetPrefs = function(_, key) return preferences[key] end,
  SavePrefs = function() save_prefs(saved(preferences)) end,
}
local function current_name() return current and current.name or "" end
return { print = traps.on_print, resolve = not traps.no_resolve and resolve or nil, fusion = fusion, report = report, classes = classes, current = current_name }
